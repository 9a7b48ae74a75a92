/** A disk that takes no more, simulated with a limit of the file size that is lifted later: works without special rights. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import db from '@eventstore/db-client';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServerProcess } from '../../test/server-process.js';
import { checkStore } from '../index.js';

const event = () => db.jsonEvent({ type: 'Big', data: { filler: 'x'.repeat(50_000) } });
/** 1 MiB, in the 512-byte blocks of `ulimit -f`. */
const LIMIT = 2048;

describe('a full disk', () => {
  let folder: string;
  let server: ServerProcess;
  let client: db.EventStoreDBClient;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'annals-full-'));
    server = await ServerProcess.start({ path: folder }, LIMIT);
    client = db.EventStoreDBClient.connectionString(server.url);
  });
  afterEach(async () => {
    await client.dispose();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function fill(): Promise<number> {
    for (let written = 0; ; written++) {
      try {
        await client.appendToStream('s', event());
      } catch (error) {
        expect((error as Error).message).toContain('Nothing was appended');
        return written;
      }
    }
  }
  const count = async (): Promise<number> => {
    let events = 0;
    for await (const { event: read } of client.readStream('s')) expect(read?.revision).toBe(BigInt(events++));
    return events;
  };

  it('fails appends with a clear error, goes on reading, and recovers without a restart', async () => {
    const written = await fill();
    expect(written).toBeGreaterThan(10);
    expect(await count()).toBe(written);
    await expect(client.appendToStream('t', [event(), event()])).rejects.toThrow('Free space');
    expect(await count()).toBe(written);

    execFileSync('prlimit', ['--pid', String(server.pid), '--fsize=unlimited']);
    const { nextExpectedRevision } = await client.appendToStream('s', event(), {
      expectedRevision: BigInt(written - 1),
    });
    expect(nextExpectedRevision).toBe(BigInt(written));
    expect((await client.appendToStream('t', event(), { expectedRevision: db.NO_STREAM })).nextExpectedRevision).toBe(
      0n,
    );
  }, 30_000);

  it('leaves a sound store when the server is killed while the disk is full', async () => {
    const written = await fill();
    await server.kill();
    const report = await checkStore(folder);
    expect(report).toMatchObject({ ok: true, events: written });
  }, 30_000);
});
