/** The log under random appends and scavenges: cursors, boundaries and lookups agree with a plain list. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { randomUUID } from 'node:crypto';
import { EventDatabase } from './event-database.js';
import { EventRecord } from './event-record.js';
import type { ProposedEvent } from './record-format.js';
import { recordedEvent } from './record-writer.js';
import { memoryStorage } from './memory-storage.js';

const proposed = (data: string, type = 'Written'): ProposedEvent => ({
  id: randomUUID(),
  type: Buffer.from(type),
  json: true,
  data: Buffer.from(data),
  metadata: Buffer.from('{"k":1}'),
});

async function filled(sizes: readonly number[]): Promise<{ database: EventDatabase; positions: number[] }> {
  const database = new EventDatabase({ ...memoryStorage(), description: 'memory' });
  for (const [i, size] of sizes.entries()) {
    if (i % 7 === 6) await database.log.roll(true);
    await database.commit.stage(size === 0 ? [] : [database.next(`s-${i % 3}`, proposed('x'.repeat(size)))]);
  }
  return { database, positions: all(database) };
}

function all(database: EventDatabase): number[] {
  const found: number[] = [];
  const cursor = database.log.forward(database.log.start);
  for (let record = cursor.next(); record; record = cursor.next()) found.push(record.position);
  return found;
}

const sizes = fc.array(fc.oneof(fc.nat(300), fc.integer({ min: 1, max: 300_000 })), { minLength: 1, maxLength: 25 });

describe('the log', () => {
  it('is read forwards and backwards from any position', async () => {
    await fc.assert(
      fc.asyncProperty(sizes, fc.nat(1000), async (given, permille) => {
        const { database, positions } = await filled(given);
        expect(positions).toHaveLength(given.length);
        const at = Math.floor((database.log.end * permille) / 1000);
        const boundary = database.log.boundary(at);
        expect(boundary).toBe(positions.find((position) => position >= at) ?? database.log.end);
        const backward: number[] = [];
        const cursor = database.log.backward(boundary);
        for (let record = cursor.next(); record; record = cursor.next()) backward.push(record.position);
        expect(backward).toEqual(positions.filter((position) => position < at).reverse());
      }),
      { numRuns: 40 },
    );
  });

  it('keeps positions, and finds what is left, when a chunk loses records', async () => {
    await fc.assert(
      fc.asyncProperty(sizes, fc.array(fc.boolean(), { minLength: 25, maxLength: 25 }), async (given, keep) => {
        const { database, positions } = await filled(given);
        const kept = new Set(positions.filter((_, i) => keep[i] === true));
        const { log } = database;
        await log.roll(true);
        for (const chunk of log.completed) {
          const records: EventRecord[] = [];
          const cursor = log.forward(chunk.start);
          for (let record = cursor.next(); record && record.position < chunk.end; record = cursor.next())
            if (kept.has(record.position)) records.push(record.detached());
          await log.replace(chunk, records);
        }
        expect(all(database)).toEqual([...kept]);
        for (const position of positions)
          expect(log.recordAt(position)?.position).toBe(kept.has(position) ? position : undefined);
        const backward: number[] = [];
        const cursor = log.backward(log.end);
        for (let record = cursor.next(); record; record = cursor.next()) backward.push(record.position);
        expect(backward).toEqual([...kept].reverse());
      }),
      { numRuns: 40 },
    );
  });
});

describe('a record', () => {
  it('gives back all that was put in', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: 'grapheme', minLength: 1, maxLength: 300 }),
        fc.string({ unit: 'grapheme', minLength: 1, maxLength: 200 }),
        fc.uint8Array(),
        fc.uint8Array(),
        async (stream, type, data, metadata) => {
          const database = new EventDatabase({ ...memoryStorage(), description: 'memory' });
          const event = {
            id: randomUUID(),
            type: Buffer.from(type),
            json: false,
            data: Buffer.from(data),
            metadata: Buffer.from(metadata),
          };
          const position = await database.commit.stage([database.next(stream, event)]);
          const record = database.log.recordAt(position);
          expect(record?.intact).toBe(true);
          expect(record).toMatchObject({ id: event.id, stream, type, json: false, revision: 0, position });
          expect(record?.data.equals(event.data)).toBe(true);
          expect(record?.metadata.equals(event.metadata)).toBe(true);
          const at = { stream: Buffer.from(stream), revision: 0, position, createdMs: record?.createdMs ?? 0 };
          expect(record?.recorded.equals(recordedEvent(event, at))).toBe(true);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('of which a byte changed is not intact', async () => {
    const database = new EventDatabase({ ...memoryStorage(), description: 'memory' });
    const position = await database.commit.stage([database.next('s', proposed('{}'))]);
    const record = database.log.recordAt(position)?.detached();
    if (!record) throw new Error('the record is missing');
    for (let i = 4; i < record.length; i++) {
      const bytes = Buffer.from(record.buffer);
      bytes[i] = (bytes[i] ?? 0) ^ 1;
      expect(new EventRecord(bytes, 0).intact).toBe(false);
    }
  });
});
