/** One contract for every store of deadlines, and one for every index of instances. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { testPostgres } from '@annals/testing';
import pg from 'pg';
import { MemoryDeadlineStore, type DeadlineStore, type StoredDeadline } from './deadline-store.js';
import { MemoryInstanceIndex, type InstanceIndex } from './instance-index.js';
import { foldInstance, type InstanceRow } from './instance-view.js';
import { PostgresDeadlineStore } from './postgres-deadline-store.js';
import { PostgresInstanceIndex } from './postgres-instance-index.js';
import { SagaDeadlineSet, SagaEnded, SagaFailed, SagaStarted, sagaStream, type SagaFact } from './saga-events.js';

let pool: pg.Pool;
beforeAll(async () => {
  pool = new pg.Pool({ connectionString: (await testPostgres()).url });
}, 60_000);
afterAll(() => pool.end());

const emptied = async (...tables: string[]) => {
  for (const table of tables) await pool.query(`DROP TABLE IF EXISTS annals.${table}`);
};

describe.each<[string, () => Promise<DeadlineStore>]>([
  ['memory', () => Promise.resolve(new MemoryDeadlineStore())],
  [
    'Postgres',
    async () => {
      await emptied('saga_deadline');
      return new PostgresDeadlineStore(pool);
    },
  ],
])('deadlines in %s', (_, create) => {
  const at = (seconds: number) => new Date(Date.parse('2026-01-01T00:00:00Z') + seconds * 1_000);
  const deadline = (seconds: number, more: Partial<StoredDeadline> = {}): StoredDeadline => ({
    id: randomUUID(),
    saga: 'a',
    instance: 'i',
    kind: 'deadline',
    number: 0,
    due: at(seconds),
    ...more,
  });
  let store: DeadlineStore;
  beforeEach(async () => {
    store = await create();
  });

  it('are given when they are due, the oldest first', async () => {
    const [late, early, future] = [deadline(2), deadline(1, { kind: 'retry', number: 7 }), deadline(9)];
    await store.save([late, early, future], []);
    expect(await store.due(['a'], at(2), 10)).toEqual([early, late]);
    expect(await store.due(['a'], at(2), 1)).toEqual([early]);
    expect(await store.next(['a'])).toEqual(at(1));
  });

  it('are those of the sagas asked for', async () => {
    await store.save([deadline(1, { saga: 'b' })], []);
    expect(await store.due(['a'], at(5), 10)).toEqual([]);
    expect(await store.next(['a'])).toBeUndefined();
    expect(await store.next(['a', 'b'])).toEqual(at(1));
  });

  it('are gone when they were removed, and replaced when they are set again', async () => {
    const [first, second] = [deadline(1), deadline(2)];
    await store.save([first, second], []);
    await store.save([{ ...second, due: at(3) }], [first.id]);
    await store.save([], [randomUUID()]);
    expect(await store.due(['a'], at(9), 10)).toEqual([{ ...second, due: at(3) }]);
  });
});

describe.each<[string, () => Promise<InstanceIndex>]>([
  ['memory', () => Promise.resolve(new MemoryInstanceIndex())],
  [
    'Postgres',
    async () => {
      await emptied('saga_instance', 'saga_index');
      return new PostgresInstanceIndex(pool);
    },
  ],
])('the index of instances in %s', (_, create) => {
  const row = (saga: string, id: string, ...facts: SagaFact[]): [string, InstanceRow] => {
    let folded: InstanceRow | undefined;
    facts.forEach((fact, revision) => {
      folded = foldInstance(folded, fact, {
        id: randomUUID(),
        stream: sagaStream(saga, id),
        revision,
        position: BigInt(revision),
        created: new Date(Date.parse('2026-01-01T00:00:00Z') + Number(id) * 1_000),
        correlationId: 'c',
        causationId: 'c',
      });
    });
    return [sagaStream(saga, id), folded as InstanceRow];
  };
  const key = (saga: string, id: string) => ({ saga, id });
  const started = (saga: string, id: string, version = 1) => new SagaStarted({ ...key(saga, id), version });
  const error = { name: 'Error', code: 'X', message: 'no' };
  const rows = [
    row(
      'a',
      '1',
      started('a', '1'),
      new SagaDeadlineSet({ ...key('a', '1'), input: 0, number: 0, due: '2026-01-02T00:00:00.000Z' }),
    ),
    row('a', '2', started('a', '2', 2), new SagaFailed({ ...key('a', '2'), input: 0, error, tries: 3, retryAt: null })),
    row('a', '3', started('a', '3'), new SagaEnded({ ...key('a', '3'), input: 0, outcome: 'completed', closed: true })),
    row('b', '4', started('b', '4')),
  ];
  let index: InstanceIndex;
  beforeEach(async () => {
    index = await create();
    expect(await index.checkpoint()).toBe(-1n);
    await index.save(new Map(rows), 12_345_678_901n);
  });

  it('keeps its checkpoint and its rows as they are', async () => {
    expect(await index.checkpoint()).toBe(12_345_678_901n);
    expect(await index.rows([sagaStream('a', '1'), sagaStream('a', '2'), 'saga-a-9'])).toEqual(
      new Map(rows.slice(0, 2)),
    );
  });

  it('lists by saga and state, the latest first', async () => {
    const ids = async (...filter: Parameters<InstanceIndex['list']>) =>
      (await index.list(...filter)).map(({ id }) => id);
    expect(await ids({})).toEqual(['4', '3', '2', '1']);
    expect(await ids({ saga: 'a', limit: 2 })).toEqual(['3', '2']);
    expect(await ids({ states: ['stuck', 'completed'] })).toEqual(['3', '2']);
  });

  it('counts the open instances by version', async () => {
    const open = [...(await index.open())].sort((a, b) => (a.saga + a.version).localeCompare(b.saga + b.version));
    expect(open).toEqual([
      { saga: 'a', version: 1, count: 1 },
      { saga: 'a', version: 2, count: 1 },
      { saga: 'b', version: 1, count: 1 },
    ]);
  });

  it('replaces rows', async () => {
    const [stream, ended] = row(
      'b',
      '4',
      started('b', '4'),
      new SagaEnded({ ...key('b', '4'), input: 0, outcome: 'cancelled', closed: true }),
    );
    await index.save(new Map([[stream, ended]]), 12_345_678_902n);
    expect(await index.list({ saga: 'b' })).toEqual([ended.summary]);
  });
});
