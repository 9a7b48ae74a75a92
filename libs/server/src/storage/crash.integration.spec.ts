/**
 * kill -9 under load. Each round: many writers append with exact revisions until the server is killed at a random moment; then
 * it is started on the same port and folder, what was not acknowledged is repeated with the same ids, and everything is read.
 * ANNALS_CRASH_ROUNDS (default 4) and ANNALS_SEED set the number of rounds and the randomness.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import db from '@eventstore/db-client';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ServerProcess } from '../../test/server-process.js';
import { checkStore } from '../index.js';

const ROUNDS = Number(process.env['ANNALS_CRASH_ROUNDS'] ?? 4);
const SEED = Number(process.env['ANNALS_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const WRITERS = 24;

function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Batch {
  readonly events: db.EventData[];
  readonly expected: bigint | typeof db.NO_STREAM;
}

/** Appends batches of random size to one stream, one after the other, and remembers what it was told. */
class Writer {
  readonly ids: string[] = [];
  private open: Batch | undefined;

  constructor(
    readonly stream: string,
    private readonly random: () => number,
  ) {}

  async writeUntil(client: db.EventStoreDBClient, stopped: () => boolean): Promise<void> {
    while (!stopped()) {
      this.open ??= this.next();
      try {
        await client.appendToStream(this.stream, this.open.events, { expectedRevision: this.open.expected });
      } catch {
        return; // the server was killed; whether this batch was written is not known
      }
      this.acknowledged();
    }
  }

  /** What was not acknowledged is repeated as it was. */
  async repeat(client: db.EventStoreDBClient): Promise<void> {
    if (!this.open) return;
    await client.appendToStream(this.stream, this.open.events, { expectedRevision: this.open.expected });
    this.acknowledged();
  }

  private next(): Batch {
    const size = 1 + Math.floor(this.random() * 6);
    const events = Array.from({ length: size }, (_, i) =>
      db.jsonEvent({
        type: 'Written',
        data: { at: this.ids.length + i, filler: 'x'.repeat(Math.floor(this.random() * 600)) },
      }),
    );
    return { events, expected: this.ids.length === 0 ? db.NO_STREAM : BigInt(this.ids.length - 1) };
  }

  private acknowledged(): void {
    for (const { id } of this.open?.events ?? []) if (id !== undefined) this.ids.push(id);
    this.open = undefined;
  }
}

describe('a server that is killed', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'annals-crash-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it(
    `keeps what it acknowledged, and nothing by halves (${ROUNDS} rounds, seed ${SEED})`,
    async () => {
      const random = randomFrom(SEED);
      const writers = Array.from({ length: WRITERS }, (_, i) => new Writer(`writer-${i}`, random));
      let port = 0;
      for (let round = 0; round < ROUNDS; round++) {
        const server = await ServerProcess.start({ path: folder, port });
        port = server.port;
        const client = db.EventStoreDBClient.connectionString(server.url);
        let killed = false;
        const writing = writers.map((writer) => writer.writeUntil(client, () => killed));
        await delay(150 + random() * 500); // the moment of the failure, not a wait for anything
        await server.kill();
        killed = true;
        await Promise.all(writing);
        await client.dispose();
      }
      await verify(folder, port, writers);
      const report = await checkStore(folder);
      expect(report.faults).toEqual([]);
      expect(report.events).toBe(writers.reduce((sum, { ids }) => sum + ids.length, 0));
    },
    60_000 + ROUNDS * 6_000,
  );
});

async function verify(folder: string, port: number, writers: readonly Writer[]): Promise<void> {
  const server = await ServerProcess.start({ path: folder, port });
  const client = db.EventStoreDBClient.connectionString(server.url);
  try {
    for (const writer of writers) {
      await writer.repeat(client);
      const ids: string[] = [];
      for await (const { event } of client.readStream(writer.stream)) {
        expect(event?.revision).toBe(BigInt(ids.length));
        ids.push(event?.id ?? '');
      }
      expect(ids).toEqual(writer.ids);
    }
    let last = -1n;
    let events = 0;
    for await (const { event } of client.readAll()) {
      expect(event?.position.commit).toBeGreaterThan(last);
      last = event?.position.commit ?? -1n;
      events++;
    }
    expect(events).toBe(writers.reduce((sum, { ids }) => sum + ids.length, 0));
  } finally {
    await client.dispose();
    await server.stop();
  }
}
