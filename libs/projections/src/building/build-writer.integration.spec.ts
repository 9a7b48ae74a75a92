import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { RecordedEvent } from '@annals/event-store';
import { testPostgres } from '@annals/testing';
import { counters, type Counted } from '../../test/counters.js';
import { createBookkeeping, inTransaction } from '../bookkeeping.js';
import { Fenced } from '../errors.js';
import { connectReadDatabase, type ReadDatabase } from '../read-database.js';
import { rowShape } from '../rows/row-shape.js';
import { BuildWriter } from './build-writer.js';
import { createBuild, type Build } from './builds.js';

const counted = (id: string, number: number): RecordedEvent<Counted> => ({
  event: { type: 'Counted', data: { id, number } },
  at: {
    ...{ id: '', correlationId: '', causationId: '', created: new Date(0) },
    ...{ stream: `counter-${id}`, revision: number, position: BigInt(number) },
  },
});

describe('a writer that was overtaken (G10)', () => {
  let database: ReadDatabase;
  let build: Build;
  beforeAll(async () => {
    const { url } = await testPostgres();
    database = await connectReadDatabase({ url, context: 'counters', readModels: [counters] });
    await createBookkeeping(database.pool);
    const shape = await rowShape(counters);
    build = await inTransaction(database.pool, (tx) => createBuild(tx, url, counters, shape, 'building'));
  });
  afterAll(() => database.close());

  const open = async (owner: string) =>
    BuildWriter.open({
      ...{ db: database.pool, model: counters, shape: await rowShape(counters), build, partition: 0, owner },
      ...{ retry: { attempts: 1, backoff: { firstMs: 0, maxMs: 0 } }, cachedRows: 10 },
    });
  const rows = async () =>
    (
      await database.pool.query<{ id: string; seen: number[] }>(
        `select id, seen from "${build.tableSchema}".counter order by id`,
      )
    ).rows;

  it('changes neither rows nor checkpoint', async () => {
    const first = await open('first');
    await first.add([counted('a', 0)], 0n);
    await first.commit(false, 0);

    await first.add([counted('a', 1), counted('b', 2)], 2n);
    const second = await open('second');
    await expect(first.commit(false, 0)).rejects.toThrow(Fenced);
    expect(await rows()).toEqual([{ id: 'a', seen: [0] }]);

    expect(second.position).toBe(0n);
    await second.add([counted('a', 1), counted('b', 2)], 2n);
    await second.commit(false, 0);
    expect(await rows()).toEqual([
      { id: 'a', seen: [0, 1] },
      { id: 'b', seen: [2] },
    ]);
  });

  it('loses against one that commits at the same moment, whichever gets there first', async () => {
    for (let round = 0; round < 20; round++) {
      const overtaken = await open('overtaken');
      const at = overtaken.position + 1n;
      await overtaken.add([counted('race', Number(at))], at);
      const commit = overtaken.commit(false, 0).then(
        () => true,
        (error: unknown) => {
          expect(error).toBeInstanceOf(Fenced);
          return false;
        },
      );
      const successor = await open('successor');
      const wasCommitted = await commit;
      expect(successor.position).toBe(wasCommitted ? at : at - 1n);
      if (!wasCommitted) {
        await successor.add([counted('race', Number(at))], at);
        await successor.commit(false, 0);
      }
    }
    const seen = (await rows()).find(({ id }) => id === 'race')?.seen;
    expect(seen).toEqual(Array.from({ length: 20 }, (_, index) => index + 3));
  });
});
