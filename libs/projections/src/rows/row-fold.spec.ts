import { describe, expect, it } from '@jest/globals';
import type { DomainEvent } from '@annals/core';
import type { RecordedEvent } from '@annals/event-store';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { readModel } from '../read-model.js';
import { RowCache } from './row-cache.js';
import { RowFold, type FoldOptions } from './row-fold.js';
import { rowShape, type Row } from './row-shape.js';

@Entity()
class Tally {
  @PrimaryColumn('text')
  id!: string;
  @Column('text', { array: true })
  seen!: string[];
}

interface Note {
  readonly keys: (string | { other: string })[];
  readonly text: string;
  readonly fails?: number;
}
type Noted = DomainEvent<'Noted', Note>;

let tries = new Map<string, number>();
const tally = readModel<Tally, Noted>(Tally, {
  name: 'tally',
  version: 1,
  key: ({ data }) => {
    if (data.text === 'no key') throw new Error('has no key');
    return data.keys;
  },
  on: {
    Noted: (row, { data }, at) => {
      const tried = (tries.get(data.text) ?? 0) + 1;
      tries.set(data.text, tried);
      if (tried <= (data.fails ?? 0)) throw new Error(`${data.text} is poison`);
      if (data.text === 'delete') return null;
      if (data.text === 'ignore') return undefined;
      // Its row is the one of the stream's name, among the keys.
      const id = data.keys.find((key): key is string => typeof key === 'string' && at.stream === `tally-${key}`) ?? 'b';
      return { id, seen: [...(row?.seen ?? []), data.text] };
    },
  },
});

let position = 0n;
type Keys = Note['keys'];
const note = (
  keys: string | Keys,
  text: string,
  fails = 0,
  stream = `tally-${typeof keys === 'string' ? keys : ''}`,
): RecordedEvent => ({
  event: { type: 'Noted', data: { keys: [keys].flat(), text, fails } },
  at: { stream, position: ++position, revision: 0, id: '', correlationId: '', causationId: '', created: new Date(0) },
});

async function foldOf(stored: Record<string, string[]> = {}, change: Partial<FoldOptions> = {}) {
  tries = new Map();
  const loads: string[][] = [];
  const shape = await rowShape(tally);
  const fold = new RowFold({
    ...{ model: tally, shape, accepts: () => true, cache: new RowCache(100, false), parkedScopes: new Set<string>() },
    retry: { attempts: 3, backoff: { firstMs: 0, maxMs: 0 } },
    load: (keys) => {
      loads.push(keys.map(({ id }) => id));
      const rows = keys.flatMap(({ id }) => (stored[id] ? [[id, { id, seen: stored[id] }] as const] : []));
      return Promise.resolve(new Map<string, Row>(rows));
    },
    ...change,
  });
  const changes = () => {
    const { upserts, deletions, parked } = fold.takeChanges();
    const rows: Record<string, unknown> = {};
    for (const row of upserts) rows[String(row['id'])] = row['seen'];
    return {
      rows,
      deleted: deletions.map((key): unknown => key['id']),
      parked: parked.map(({ scope, recorded, error }) => [scope, (recorded.event.data as Note).text, error]),
    };
  };
  return { fold, loads, changes };
}

describe('RowFold', () => {
  it('folds a batch in order, and loads the rows of its keys at once', async () => {
    const { fold, loads, changes } = await foldOf({ a: ['stored'] });
    await fold.fold([note('a', '1'), note('b', '2'), note('a', '3')]);
    expect(loads).toEqual([['a', 'b']]);
    expect(changes()).toEqual({ rows: { a: ['stored', '1', '3'], b: ['2'] }, deleted: [], parked: [] });
  });

  it('goes on with rows that were taken, and deletes, ignores and makes anew', async () => {
    const { fold, loads, changes } = await foldOf({ a: ['stored'] });
    await fold.fold([note('a', '1')]);
    expect(changes().rows).toEqual({ a: ['stored', '1'] });
    await fold.fold([note('a', 'delete'), note('b', 'ignore')]);
    expect(changes()).toEqual({ rows: {}, deleted: ['a'], parked: [] });
    await fold.fold([note('a', '2')]);
    expect(changes().rows).toEqual({ a: ['2'] });
    expect(loads).toEqual([['a'], ['b']]);
  });

  it('keeps what it knows of a batch that is larger than its cache', async () => {
    const { fold, changes } = await foldOf({}, { cache: new RowCache(1, true) });
    const ids = Array.from({ length: 50 }, (_, index) => `k${index}`);
    await fold.fold([...ids, ...ids].map((id) => note(id, 'x')));
    expect(Object.values(changes().rows)).toEqual(ids.map(() => ['x', 'x']));
    // Taken, but perhaps not stored yet: must not be loaded.
    await fold.fold(ids.map((id) => note(id, 'y')));
    expect(Object.values(changes().rows)).toEqual(ids.map(() => ['x', 'x', 'y']));
  });

  it('folds only the keys it is given', async () => {
    const { fold, changes } = await foldOf({}, { accepts: (id) => id === 'b' });
    await fold.fold([note('a', '1'), note('b', '2'), note(['a', 'b'], '3', 0, 'tally-b')]);
    expect(changes().rows).toEqual({ b: ['2', '3'] });
  });

  it('tries a handler again, and forgets that it failed', async () => {
    const { fold, changes } = await foldOf();
    await fold.fold([note('a', 'moody', 2), note('a', '2')]);
    expect(changes()).toEqual({ rows: { a: ['moody', '2'] }, deleted: [], parked: [] });
  });

  it('parks a poison event with its later siblings in order, and goes on with other keys', async () => {
    const { fold, changes } = await foldOf();
    await fold.fold([note('a', '1'), note('a', 'poison', 9), note('b', '2'), note('a', '3')]);
    await fold.fold([note('a', '4'), note('b', '5')]);
    expect(changes()).toEqual({
      rows: { a: ['1'], b: ['2', '5'] },
      deleted: [],
      parked: [
        ['key a', 'poison', 'Error: poison is poison'],
        ['key a', '3', undefined],
        ['key a', '4', undefined],
      ],
    });
  });

  it('parks for the one key of several that is poisoned', async () => {
    const { fold, changes } = await foldOf({}, { parkedScopes: new Set(['key a']) });
    await fold.fold([note(['a', 'b'], 'both', 0, 'tally-b')]);
    expect(changes()).toMatchObject({ rows: { b: ['both'] }, parked: [['key a', 'both', undefined]] });
  });

  it('parks an event whose key cannot be told under its stream, once, with the later ones of the stream', async () => {
    const { fold, changes } = await foldOf();
    await fold.fold([note('a', 'no key'), note(['a', 'b'], '2', 0, 'tally-a'), note('b', '3')]);
    expect(changes()).toEqual({
      rows: { b: ['3'] },
      deleted: [],
      parked: [
        ['stream tally-a', 'no key', 'Error: has no key'],
        ['stream tally-a', '2', undefined],
      ],
    });
  });

  it('parks what the table cannot hold', async () => {
    const { fold, changes } = await foldOf();
    await fold.fold([note([{ other: 'a' }], '1', 0, 'tally-q')]);
    expect(changes().parked).toEqual([['stream tally-q', '1', expect.stringContaining('which has no id')]]);
  });
});
