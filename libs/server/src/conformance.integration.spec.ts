/** Replays the recorded answers of a real EventStoreDB (see conformance/README.md), in memory and on disk. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEventStore, type RunningEventStore } from './index.js';

const packageFolder = join(import.meta.dirname, '..');
const traceFolder = join(packageFolder, 'conformance');
const traces = readdirSync(traceFolder)
  .filter((name) => name.endsWith('.json'))
  .sort();
/** Several traces wait for what must not come; they run side by side, in a process each. */
const RUNNERS = 4;

function replay(url: string, files: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const args = [
      'conformance/replay.mjs',
      '--url',
      url,
      '--check',
      '--slow',
      ...files.map((file) => join(traceFolder, file)),
    ];
    const child = spawn(process.execPath, args, { cwd: packageFolder, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.once('error', reject);
    child.once('close', () => resolve(output));
  });
}

/** Traces that read all of `$all` are quicker on a server of their own; the one with large payloads would slow the others. */
const shares = Array.from({ length: RUNNERS }, (_, share) => traces.filter((_name, i) => i % RUNNERS === share));

describe.each(['memory', 'disk'] as const)('recorded answers of EventStoreDB, %s', (kind) => {
  const servers: RunningEventStore[] = [];
  const folders: string[] = [];

  beforeAll(async () => {
    for (let i = 0; i < RUNNERS; i++) {
      if (kind === 'disk') folders.push(mkdtempSync(join(tmpdir(), 'annals-conformance-')));
      const path = folders[i];
      servers.push(await startEventStore(path === undefined ? { memory: true } : { path }));
    }
  });

  afterAll(async () => {
    for (const server of servers) await server.close();
    for (const folder of folders) rmSync(folder, { recursive: true });
  });

  it('gives all of them', async () => {
    const outputs = await Promise.all(servers.map(({ url }, i) => replay(url, shares[i] ?? [])));
    let equal = 0;
    for (const output of outputs) {
      expect(output).toMatch(/^traces: \d+ steps equal, 0 different/m);
      equal += Number(/traces: (\d+) steps equal/.exec(output)?.[1]);
    }
    expect(equal).toBeGreaterThan(3600);
  }, 240_000);
});
