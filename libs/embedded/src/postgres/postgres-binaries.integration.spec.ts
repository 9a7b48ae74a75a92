import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { makeSymlinks } from './postgres-binaries.js';

describe("Postgres' programs from npm", () => {
  it('get the symlinks that npm packages cannot hold, once', () => {
    const folder = mkdtempSync(join(tmpdir(), 'annals-spec-'));
    try {
      mkdirSync(join(folder, 'native', 'lib'), { recursive: true });
      writeFileSync(join(folder, 'native', 'lib', 'libpq.so.5.18'), 'a library');
      const list = [{ source: 'native/lib/libpq.so.5.18', target: 'native/lib/libpq.so.5' }];
      writeFileSync(join(folder, 'native', 'pg-symlinks.json'), JSON.stringify(list));
      makeSymlinks(folder);
      makeSymlinks(folder);
      expect(readFileSync(join(folder, 'native', 'lib', 'libpq.so.5'), 'utf8')).toBe('a library');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
