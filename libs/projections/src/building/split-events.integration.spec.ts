/**
 * Events that one stored event was split into (upcast) share its position. A checkpoint at that position says that all of
 * them are folded, so it must never be stored before they are.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type DomainEvent } from '@annals/core';
import type { RecordedEvent } from '@annals/event-store';
import { testPostgres } from '@annals/testing';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { createBookkeeping, inTransaction } from '../bookkeeping.js';
import { connectReadDatabase, type ReadDatabase } from '../read-database.js';
import { readModel } from '../read-model.js';
import { rowShape } from '../rows/row-shape.js';
import { BuildWriter } from './build-writer.js';
import { createBuild, type Build } from './builds.js';
import { FeedPump } from './feed-pump.js';

type Folded = DomainEvent<'Folded', { id: string; number: number }>;
type Run = DomainEvent<'Run', { id: string; number: number }>;
type Ignored = DomainEvent<'Ignored', { id: string; number: number }>;

@Entity('tally')
class Tally {
  @PrimaryColumn('text')
  id!: string;
  @Column('jsonb')
  seen!: number[];
}

const tallies = readModel<Tally, Folded | Run | Ignored>(Tally, {
  name: 'tallies',
  version: 1,
  key: ({ data }) => data.id,
  on: { Folded: (row, { data }) => ({ id: data.id, seen: [...(row?.seen ?? []), data.number] }) },
  sql: {
    Run: async (tx, { data }) => {
      await tx.query(
        `insert into ${tx.table} as t (id, seen) values ($1, jsonb_build_array($2::int))
         on conflict (id) do update set seen = t.seen || $2::text::jsonb`,
        [data.id, data.number],
      );
    },
  },
});

type Kind = 'Folded' | 'Run' | 'Ignored';
type Sibling = readonly [kind: Kind, number: number, id?: string];

/** The events at one position. */
const at = (position: bigint, ...siblings: readonly Sibling[]): RecordedEvent<Folded | Run | Ignored>[] =>
  siblings.map(([type, number, id = 'one'], index) => ({
    event: { type, data: { id, number } },
    at: {
      ...{ id: `${position}/${index}`, correlationId: '', causationId: '', created: new Date(0) },
      ...{ stream: 'tally-one', revision: Number(position), position },
    },
  }));

describe('a position with several events', () => {
  let database: ReadDatabase;
  let url: string;
  let build: Build;
  beforeAll(async () => {
    ({ url } = await testPostgres());
    database = await connectReadDatabase({ url, context: 'tallies', readModels: [tallies] });
    await createBookkeeping(database.pool);
  });
  afterAll(() => database.close());

  const begin = async () => {
    const shape = await rowShape(tallies);
    build = await inTransaction(database.pool, (tx) => createBuild(tx, url, tallies, shape, 'building'));
  };
  const open = async () =>
    BuildWriter.open({
      ...{ db: database.pool, model: tallies, shape: await rowShape(tallies), build, partition: 0, owner: 'spec' },
      ...{ retry: { attempts: 1, backoff: { firstMs: 0, maxMs: 0 } }, cachedRows: 10 },
    });
  const rows = async () =>
    (
      await database.pool.query<{ id: string; seen: number[] }>(
        `select id, seen from "${build.tableSchema}".tally order by id`,
      )
    ).rows;
  /** Takes what is after the checkpoint; dies after the first commit when asked to. */
  const take = async (events: readonly RecordedEvent[], dies: boolean) => {
    const writer = await open();
    const left = events.filter((each) => each.at.position > writer.position);
    if (left.length === 0) return;
    const onCommitted = () => {
      if (dies) throw new Error('died');
    };
    const pump = new FeedPump({
      ...{ model: tallies, writer, onCommitted },
      policy: { changedRows: 100, events: 100, afterMs: 60_000 },
    });
    const taking = pump.take({ events: left, position: left.at(-1)?.at.position ?? -1n, live: true });
    await (dies ? expect(taking).rejects.toThrow('died') : taking);
  };

  it.each<readonly [string, readonly (readonly Sibling[])[]]>([
    [
      'SQL, then a fold',
      [
        [
          ['Run', 1],
          ['Folded', 2],
        ],
      ],
    ],
    [
      'a fold, then SQL',
      [
        [
          ['Folded', 1],
          ['Run', 2],
        ],
      ],
    ],
    [
      'a fold between SQL',
      [
        [
          ['Run', 1],
          ['Folded', 2],
          ['Run', 3],
        ],
      ],
    ],
    [
      'one that is not handled',
      [
        [
          ['Ignored', 0],
          ['Run', 1],
          ['Ignored', 0],
          ['Folded', 2],
        ],
      ],
    ],
    [
      'others before and after',
      [
        [['Folded', 1]],
        [
          ['Folded', 2],
          ['Run', 3],
        ],
        [['Folded', 4]],
        [
          ['Run', 5],
          ['Folded', 6],
        ],
      ],
    ],
  ])('is committed as a whole: %s', async (_, positions) => {
    await begin();
    const events = positions.flatMap((siblings, index) => at(BigInt(index + 1), ...siblings));
    const numbers = events.filter(({ event }) => event.type !== 'Ignored').map(({ event }) => event.data.number);
    // However often the process dies right after a commit, everything is there in the end, once and in order.
    for (const _each of positions) await take(events, (await open()).position < BigInt(positions.length));
    await take(events, false);
    expect(await rows()).toEqual([{ id: 'one', seen: numbers }]);
  });

  it('is parked as a whole when the database refuses rows of it, because nobody can tell whose', async () => {
    await begin();
    const siblings = at(1n, ['Folded', 1, 'a'], ['Ignored', 2, 'a'], ['Folded', 3, 'b'], ['Folded', 4, 'b']);
    const writer = await open();
    await writer.refuse(siblings, 1n, new Error('a NUL'));
    expect(writer.committed).toBe(1n);
    await writer.add(at(2n, ['Folded', 5, 'c'], ['Folded', 6, 'a']), 2n);
    await writer.commit(false, 0);
    expect(await rows()).toEqual([{ id: 'c', seen: [5] }]);
    const { rows: parked } = await database.pool.query<{ scope: string; error: string | null; data: object }>(
      `select scope, error, event->'data' as data from annals.parked_event where name = $1 and build = $2 order by id`,
      [tallies.name, build.build],
    );
    expect(parked).toEqual([
      { scope: 'key a', error: 'Error: a NUL', data: { id: 'a', number: 1 } },
      { scope: 'key b', error: 'Error: a NUL', data: { id: 'b', number: 3 } },
      { scope: 'key b', error: null, data: { id: 'b', number: 4 } },
      { scope: 'key a', error: null, data: { id: 'a', number: 6 } },
    ]);
  });
});
