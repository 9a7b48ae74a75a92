/** What must stay bounded or be refused: memory for slow readers and many servers, a disk that cannot be written. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import db from '@eventstore/db-client';
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { eventually } from '../test/eventually.js';
import { ServerProcess } from '../test/server-process.js';
import { startEventStore } from './index.js';

const MEGABYTE = 1_000_000;
const event = (bytes: number) => db.jsonEvent({ type: 'Filled', data: { filler: 'x'.repeat(bytes) } });

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** A shell script that runs "$2"... while the folder "$1" cannot be written. Permissions do not bind root; a mount does, where root may. */
function readOnly(): string {
  if (process.getuid?.() !== 0) return 'chmod 500 "$1"; shift; exec "$@"';
  if (spawnSync('unshare', ['-m', 'true']).status !== 0) return 'ulimit -f 0; shift; exec "$@"';
  return `exec unshare -m sh -c 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && shift && exec "$@"' sh "$@"`;
}

describe('in its limits', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'annals-limits-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  describe('memory', () => {
    const resident = async (port: number): Promise<number> => {
      const response = await fetch(`http://127.0.0.1:${port}/stats`);
      return ((await response.json()) as { 'proc-mem': number })['proc-mem'] / MEGABYTE;
    };

    it('does not grow with what slow subscribers have not taken: they are served from the disk later', async () => {
      const server = await ServerProcess.start({ path: folder });
      const client = db.EventStoreDBClient.connectionString(server.url);
      const appends = 120;
      try {
        const subscriptions = [
          client.subscribeToStream('flood'),
          client.subscribeToStream('$ce-none'),
          client.subscribeToAll({ filter: db.streamNameFilter({ prefixes: ['flood'] }) }),
          client.subscribeToAll(),
        ];
        await Promise.all(subscriptions.map((subscription) => once(subscription, 'confirmation')));
        for (const subscription of subscriptions) subscription.pause();
        await client.appendToStream('flood', event(900_000));
        const before = await resident(server.port);
        for (let i = 1; i < appends; i++) await client.appendToStream('flood', event(900_000));
        // Three subscribers that were sent nothing of 108 MB each.
        expect((await resident(server.port)) - before).toBeLessThan(100);
        const received = subscriptions.map(() => 0);
        for (const [i, subscription] of subscriptions.entries()) {
          const take = ({ event: seen }: db.AllStreamResolvedEvent): void => {
            if (seen?.streamId === 'flood') received[i] = (received[i] ?? 0) + 1;
          };
          (subscription as db.AllStreamSubscription).on('data', take).resume();
        }
        await eventually(() => received.join() === [appends, 0, appends, appends].join(), 30_000);
        await Promise.all(subscriptions.map((subscription) => subscription.unsubscribe()));
      } finally {
        await client.dispose();
        await server.stop();
      }
    }, 60_000);

    it('is given back by each of 300 servers in one process', async () => {
      const round = async (count: number): Promise<number[]> => {
        const servers = await Promise.all(Array.from({ length: count }, () => startEventStore({ memory: true })));
        const lengths = await Promise.all(
          servers.map(async ({ url }, i) => {
            const client = db.EventStoreDBClient.connectionString(url);
            const written = Array.from({ length: (i % 3) + 1 }, () => event(10));
            await client.appendToStream('own', written);
            let length = 0;
            for await (const { event: seen } of client.readStream('own')) if (seen) length++;
            await client.dispose();
            return length;
          }),
        );
        await Promise.all(servers.map((server) => server.close()));
        return lengths;
      };
      const heap = async (): Promise<number> => {
        await new Promise((resolve) => setImmediate(resolve));
        collectGarbage();
        return process.memoryUsage().heapUsed / MEGABYTE;
      };
      await round(20);
      const before = await heap();
      expect(await round(300)).toEqual(Array.from({ length: 300 }, (_, i) => (i % 3) + 1));
      await eventually(async () => (await heap()) - before < 15);
    }, 60_000);
  });

  describe('a disk that cannot be written', () => {
    const written = async (): Promise<void> => {
      const server = await startEventStore({ path: folder });
      const client = db.EventStoreDBClient.connectionString(server.url);
      await client.appendToStream('s', [event(10), event(10)]);
      await client.dispose();
      await server.close();
    };

    it('fails appends, deletions and groups with a clear error; reads and subscriptions go on; it recovers by itself', async () => {
      const server = await ServerProcess.start({ path: folder });
      const client = db.EventStoreDBClient.connectionString(server.url);
      const limit = (bytes: string): unknown =>
        execFileSync('prlimit', ['--pid', String(server.pid), `--fsize=${bytes}:unlimited`]);
      try {
        await client.appendToStream('s', [event(10), event(10)]);
        const seen: (bigint | undefined)[] = [];
        const subscription = client.subscribeToStream('s').on('data', ({ event: read }) => seen.push(read?.revision));
        await once(subscription, 'confirmation');
        limit('0');
        const settings = db.persistentSubscriptionToStreamSettingsFromDefaults();
        const refused = expect.objectContaining({ message: expect.stringContaining('make the disk writable') });
        await expect(client.appendToStream('s', event(10))).rejects.toEqual(refused);
        await expect(client.deleteStream('s')).rejects.toEqual(refused);
        await expect(client.setStreamMetadata('s', { maxCount: 1 })).rejects.toEqual(refused);
        await expect(client.createPersistentSubscriptionToStream('s', 'g', settings)).rejects.toEqual(refused);
        let read = 0;
        for await (const { event: found } of client.readStream('s')) expect(found?.revision).toBe(BigInt(read++));
        expect(read).toBe(2);
        limit('unlimited');
        const { nextExpectedRevision } = await client.appendToStream('s', event(10), { expectedRevision: 1n });
        expect(nextExpectedRevision).toBe(2n);
        await client.createPersistentSubscriptionToStream('s', 'g', settings);
        await eventually(() => seen.length === 3);
        expect(seen).toEqual([0n, 1n, 2n]);
        await subscription.unsubscribe();
      } finally {
        await client.dispose();
        await server.stop();
      }
    }, 30_000);

    it('is named when a server is to start on it', async () => {
      await written();
      const script = join(import.meta.dirname, '..', 'test', 'serve.mjs');
      const { status, stderr } = spawnSync(
        'sh',
        ['-c', readOnly(), 'sh', folder, process.execPath, script, JSON.stringify({ path: folder })],
        { encoding: 'utf8' },
      );
      chmodSync(folder, 0o700);
      expect(status).toBe(1);
      expect(stderr).toMatch(/The data folder .* cannot be locked .*mend the permissions/s);
      await written(); // writable again, nothing has to be mended
    }, 30_000);
  });
});
