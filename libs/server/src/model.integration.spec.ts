/** Random sequences of operations by several clients; every answer must be the one that the model gives. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import db from '@eventstore/db-client';
import fc from 'fast-check';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StreamModel, type Expected, type Outcome } from '../test/stream-model.js';
import { startEventStore, type RunningEventStore } from './index.js';

const STREAMS = 3;
const IDS = 12;
const RUNS = Number(process.env['ANNALS_MODEL_RUNS'] ?? 60);

const stream = fc.nat(STREAMS - 1);
const expected: fc.Arbitrary<Expected> = fc.oneof(
  { weight: 4, arbitrary: fc.constant('any' as const) },
  { weight: 2, arbitrary: fc.constant('no_stream' as const) },
  { weight: 1, arbitrary: fc.constant('stream_exists' as const) },
  { weight: 4, arbitrary: fc.nat(8) },
);
const operation = fc.oneof(
  {
    weight: 18,
    arbitrary: fc.record({
      op: fc.constant('append' as const),
      stream,
      expected,
      ids: fc.uniqueArray(fc.nat(IDS - 1), { minLength: 1, maxLength: 4 }),
    }),
  },
  {
    weight: 12,
    arbitrary: fc.record({
      op: fc.constant('read' as const),
      stream,
      backwards: fc.boolean(),
      from: fc.option(fc.nat(10), { nil: undefined }),
      count: fc.integer({ min: 1, max: 6 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant('metadata' as const),
      stream,
      maxCount: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
      truncateBefore: fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('delete' as const),
      stream,
      expected: fc.oneof(fc.constant('any' as const), fc.nat(8)),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant('tombstone' as const),
      stream,
      expected: fc.oneof(fc.constant('any' as const), fc.nat(8)),
    }),
  },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

const given = (value: Expected) => (typeof value === 'number' ? BigInt(value) : value);

const deletable = (value: 'any' | number) => (typeof value === 'number' ? BigInt(value) : value);

/** Runs one history, with a prefix of its own, against the server and the model. */
class History {
  private readonly model = new StreamModel();
  private readonly prefix = randomUUID().slice(0, 8);
  private readonly ids = Array.from({ length: STREAMS }, () => Array.from({ length: IDS }, () => randomUUID()));

  constructor(private readonly clients: readonly db.EventStoreDBClient[]) {}

  async run(operations: readonly Operation[]): Promise<void> {
    for (const [i, operation] of operations.entries()) {
      const client = this.clients[i % this.clients.length];
      if (client)
        expect({ i, answer: await this.real(client, operation) }).toEqual({ i, answer: this.modelled(operation) });
    }
  }

  private name(index: number): string {
    return `${this.prefix}-${index}`;
  }
  private idsOf(index: number, ids: readonly number[]): string[] {
    return ids.map((id) => this.ids[index]?.[id] ?? '');
  }

  private modelled(operation: Operation): unknown {
    const name = this.name(operation.stream);
    switch (operation.op) {
      case 'append':
        return this.model.append(name, operation.expected, this.idsOf(operation.stream, operation.ids));
      case 'read': {
        const revisions = this.model.read(name, operation.backwards, operation.from, operation.count);
        return typeof revisions === 'string'
          ? revisions
          : revisions.map((revision) => [revision, this.model.idsOf(name)[revision]]);
      }
      case 'metadata':
        this.model.setMetadata(name, clean(operation));
        return 'set';
      case 'delete':
        return errorOf(this.model.delete(name, operation.expected));
      case 'tombstone':
        return errorOf(this.model.tombstone(name, operation.expected));
    }
  }

  private async real(client: db.EventStoreDBClient, operation: Operation): Promise<unknown> {
    const name = this.name(operation.stream);
    try {
      switch (operation.op) {
        case 'append': {
          const events = this.idsOf(operation.stream, operation.ids).map((id) =>
            db.jsonEvent({ id, type: 'Modelled', data: {} }),
          );
          const { nextExpectedRevision } = await client.appendToStream(name, events, {
            expectedRevision: given(operation.expected),
          });
          return { revision: Number(nextExpectedRevision) };
        }
        case 'read':
          return await this.read(client, name, operation);
        case 'metadata':
          await client.setStreamMetadata(name, clean(operation));
          return 'set';
        case 'delete':
          await client.deleteStream(name, { expectedRevision: deletable(operation.expected) });
          return 'done';
        case 'tombstone':
          await client.tombstoneStream(name, { expectedRevision: deletable(operation.expected) });
          return 'done';
      }
    } catch (error) {
      if (!(error instanceof Error) || !db.isCommandError(error)) throw error;
      return operation.op === 'append' ? { error: error.type } : error.type;
    }
  }

  private async read(
    client: db.EventStoreDBClient,
    name: string,
    { backwards, from, count }: Extract<Operation, { op: 'read' }>,
  ): Promise<unknown> {
    const found: unknown[] = [];
    const fromRevision = from === undefined ? (backwards ? db.END : db.START) : BigInt(from);
    for await (const { event } of client.readStream(name, {
      direction: backwards ? db.BACKWARDS : db.FORWARDS,
      fromRevision,
      maxCount: count,
    }))
      found.push([Number(event?.revision), event?.id]);
    return found;
  }
}

const errorOf = (outcome: Outcome): string => ('error' in outcome ? outcome.error : 'done');
const clean = ({ maxCount, truncateBefore }: Extract<Operation, { op: 'metadata' }>) => ({
  ...(maxCount === undefined ? {} : { maxCount }),
  ...(truncateBefore === undefined ? {} : { truncateBefore }),
});

describe.each(['memory', 'disk'] as const)('any sequence of operations, %s', (kind) => {
  let server: RunningEventStore;
  let folder: string | undefined;
  let clients: db.EventStoreDBClient[];

  beforeAll(async () => {
    folder = kind === 'disk' ? mkdtempSync(join(tmpdir(), 'annals-model-')) : undefined;
    server = await startEventStore(folder === undefined ? { memory: true } : { path: folder });
    clients = [0, 1, 2].map(() => db.EventStoreDBClient.connectionString(server.url));
  });
  afterAll(async () => {
    for (const client of clients) await client.dispose();
    await server.close();
    if (folder !== undefined) rmSync(folder, { recursive: true });
  });

  it('is answered as the model says', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { minLength: 5, maxLength: 40 }), (operations) =>
        new History(clients).run(operations),
      ),
      {
        numRuns: RUNS,
        ...(process.env['ANNALS_SEED'] === undefined ? {} : { seed: Number(process.env['ANNALS_SEED']) }),
      },
    );
  }, 300_000);
});
