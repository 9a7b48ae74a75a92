import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually, testPostgres } from '@annals/testing';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { LineAdded, OrderCancelled, orderSummary, OrderSummary, Shop, type OrderEvent } from '../../test/shop.js';
import {
  EntityChanged,
  NothingToCancel,
  NothingToRollBackTo,
  readModel,
  RebuildCancelled,
  RebuildInProgress,
  type ReadDatabase,
} from '../index.js';

const add = (orderId: string, qty: number) => new LineAdded({ orderId, line: { sku: `s${qty}`, qty } });

/** Every byte of the table, as a dump would have it. */
async function dump({ pool }: ReadDatabase, table = 'order_summary'): Promise<string[]> {
  const { rows } = await pool.query<{ row: string }>(`select t::text as row from public.${table} t order by 1`);
  return rows.map(({ row }) => row);
}

/** Calls `look` all the time until `work` is done. */
async function meanwhile<Result>(look: () => Promise<void>, work: Promise<Result>): Promise<Result> {
  let going = true;
  const looking = (async () => {
    let looks = 0;
    for (; going; looks++) await look();
    return looks;
  })();
  try {
    return await Promise.race([work, looking.then(() => work)]);
  } finally {
    going = false;
    await looking;
  }
}

describe('a rebuild (G5)', () => {
  let shop: Shop;
  beforeAll(async () => {
    shop = await Shop.open();
    for (let order = 0; order < 20; order++) await shop.place(`${order}`);
    for (let event = 0; event < 100; event++) await shop.append(add(`${event % 20}`, event));
  });
  beforeEach(async () => {
    await shop.useNewDatabase();
  });
  afterEach(() => shop.stopInstances());
  afterAll(() => shop.close());

  const head = () => shop.store.streams.headPosition();

  it('gives the same rows, byte for byte, and tells how it goes on', async () => {
    const { projections, database } = await shop.instance();
    expect(await projections.waitForAll(await head())).toBe(true);
    const before = await dump(database);
    expect(before.length).toBeGreaterThanOrEqual(20);
    const told: number[] = [];
    const rebuilt = await projections.rebuild('order-summary', {
      onProgress: ({ done, total, eventsPerSecond, etaMs }) => {
        told.push(done);
        expect(total).toBeGreaterThanOrEqual(done);
        expect(eventsPerSecond).toBeGreaterThanOrEqual(0);
        expect(etaMs ?? 0).toBeGreaterThanOrEqual(0);
      },
    });
    expect(rebuilt.build).toBe(2);
    expect(told.at(-1)).toBe(rebuilt.events);
    expect(await dump(database)).toEqual(before);
    expect(await projections.verify('order-summary')).toMatchObject({ rows: before.length, drifted: 0, drift: [] });
  });

  it('is noticed by the app when another process does it', async () => {
    const app = await shop.instance();
    const cli = await shop.instance({ started: false });
    await app.projections.waitForAll(await head());
    await cli.projections.rebuild('order-summary');
    const position = await shop.append(add('1', 1));
    expect(await app.projections.waitFor('order-summary', position)).toBe(true);
    expect(await app.orders.findOneByOrFail({ orderId: '1' })).toEqual(await cli.orders.findOneBy({ orderId: '1' }));
    await eventually(async () =>
      expect(await cli.projections.status()).toMatchObject([{ state: 'live', build: 2, owner: expect.any(String) }]),
    );
  });

  it('is refused while another runs, naming who runs it, and can be cancelled', async () => {
    const app = await shop.instance();
    const cli = await shop.instance({ started: false });
    await app.projections.waitForAll(await head());
    const before = await dump(app.database);
    const cancel = new AbortController();
    const slow = cli.projections.rebuild('order-summary', { throttle: 5, signal: cancel.signal });
    const cancelled = expect(slow).rejects.toThrow(RebuildCancelled);
    await eventually(async () =>
      expect(await app.projections.status()).toMatchObject([{ state: 'rebuilding', rebuild: { build: 2 } }]),
    );
    await expect(app.projections.rebuild('order-summary')).rejects.toThrow(RebuildInProgress);
    await expect(app.projections.rebuild('order-summary')).rejects.toThrow(`process ${process.pid}`);
    cancel.abort();
    await cancelled;
    expect(await dump(app.database)).toEqual(before);
    const left = await app.database.pool.query(`select 1 from pg_namespace where nspname = 'order-summary_v1_b2'`);
    expect(left.rows).toEqual([]);
    expect(await app.projections.rebuild('order-summary')).toMatchObject({ build: 2 });
  });

  it('can be cancelled from another process, also when nobody is at it any more', async () => {
    const app = await shop.instance();
    await app.projections.waitForAll(await head());
    const before = await dump(app.database);
    await expect(app.projections.cancelRebuild('order-summary')).rejects.toThrow(NothingToCancel);
    const underway = (build: number) =>
      eventually(async () => expect(await app.projections.status()).toMatchObject([{ rebuild: { build } }]));

    const [cli, killed] = [await shop.instance({ started: false }), await shop.instance({ started: false })];
    const slow = expect(cli.projections.rebuild('order-summary', { throttle: 1 / 120 })).rejects.toThrow(
      RebuildCancelled,
    );
    await underway(2);
    // It may not listen yet when it is told for the first time.
    await eventually(async () => {
      await app.projections.cancelRebuild('order-summary').catch((error: unknown) => {
        if (!(error instanceof NothingToCancel)) throw error;
      });
      expect((await app.projections.status())[0]?.rebuild).toBeUndefined();
    });
    await slow;

    const left = expect(killed.projections.rebuild('order-summary', { throttle: 1 / 120 })).rejects.toThrow();
    await underway(2);
    await killed.stop();
    await left;
    await underway(2);
    await app.projections.cancelRebuild('order-summary');
    expect(await app.projections.status()).toMatchObject([{ build: 1, rebuild: undefined }]);
    expect(await dump(app.database)).toEqual(before);
  });

  it('goes on where it was interrupted', async () => {
    const app = await shop.instance();
    await app.projections.waitForAll(await head());
    const before = await dump(app.database);
    const cli = await shop.instance({ started: false });
    const interrupted = cli.projections.rebuild('order-summary', { throttle: 10 });
    const ended = expect(interrupted).rejects.toThrow();
    await eventually(async () => {
      const [status] = await app.projections.status();
      expect(status?.rebuild?.events).toBeGreaterThan(0);
    });
    await cli.stop();
    await ended;
    const progress: number[] = [];
    const again = await app.projections.rebuild('order-summary', { onProgress: ({ done }) => progress.push(done) });
    expect(again.build).toBe(2);
    expect(progress[0]).toBeGreaterThan(0);
    expect(await dump(app.database)).toEqual(before);
  });

  it('never disturbs queries: no error, no missing row, no step back, under live writes', async () => {
    const app = await shop.instance();
    await app.projections.waitForAll(await head());
    const rows = (await app.orders.find()).length;
    let queries = 0;
    /** One client: what it has seen once, it sees again or something newer. */
    const client = () => {
      const seen = new Map<string, number>();
      return async () => {
        const found = await app.orders.find();
        queries++;
        expect(found.length).toBe(rows);
        for (const { orderId, changes } of found) {
          expect(changes).toBeGreaterThanOrEqual(seen.get(orderId) ?? 0);
          seen.set(orderId, changes);
        }
        const sql = 'select 1 from order_summary where "orderId" = $1';
        expect((await app.database.queries.query<unknown[]>(sql, ['3'])).length).toBe(1);
      };
    };
    const rebuilds = Number(process.env['ANNALS_TEST_REBUILDS'] ?? 10);
    const rebuildAll = async () => {
      for (let round = 0; round < rebuilds; round++) await app.projections.rebuild('order-summary');
    };
    const stopWriting = new AbortController();
    const writes = (async () => {
      for (let event = 0; !stopWriting.signal.aborted; event++) await shop.append(add(`${event % 20}`, 1));
    })();
    try {
      await meanwhile(client(), meanwhile(client(), rebuildAll()));
    } finally {
      stopWriting.abort();
      await writes;
    }
    expect(queries).toBeGreaterThan(rebuilds);
    await app.projections.waitForAll(await head());
    expect(await app.projections.verify('order-summary')).toMatchObject({ drifted: 0 });
  }, 180_000);

  it('waits for transactions whose snapshot is older than the new table', async () => {
    const app = await shop.instance();
    await app.projections.waitForAll(await head());
    const reader = await app.database.pool.connect();
    await reader.query('begin isolation level repeatable read');
    await reader.query('select 1 from annals.checkpoint');
    const rebuilt = app.projections.rebuild('order-summary');
    await eventually(async () => {
      const [status] = await app.projections.status();
      expect(status?.rebuild?.events).toBeGreaterThanOrEqual(120);
    });
    const { rows } = await reader.query<{ count: number }>('select count(*)::int as count from public.order_summary');
    expect(rows[0]?.count).toBeGreaterThanOrEqual(20);
    await reader.query('commit');
    reader.release();
    expect(await rebuilt).toMatchObject({ build: 2 });
  });

  it('can be rolled back, with what happened since', async () => {
    const { projections, orders } = await shop.instance();
    await projections.waitForAll(await head());
    await expect(projections.rollback('order-summary')).rejects.toThrow(NothingToRollBackTo);
    await projections.rebuild('order-summary');
    const { changes } = await orders.findOneByOrFail({ orderId: '5' });
    await projections.waitForAll(await shop.append(add('5', 1)));
    await projections.rollback('order-summary');
    expect(await orders.findOneByOrFail({ orderId: '5' })).toMatchObject({ changes: changes + 1 });
    await projections.waitForAll(await shop.append(add('5', 1)));
    expect(await orders.findOneByOrFail({ orderId: '5' })).toMatchObject({ changes: changes + 2 });
    expect(await projections.status()).toMatchObject([{ build: 1 }]);
    expect(await projections.verify('order-summary')).toMatchObject({ drifted: 0 });
  });

  it('restores everything from the events alone, into an empty Postgres', async () => {
    const app = await shop.instance();
    await app.projections.waitForAll(await head());
    const before = await dump(app.database);
    const { url } = await testPostgres();
    const restored = await shop.instance({ databaseUrl: url, started: false });
    await restored.projections.rebuild('order-summary');
    expect(await dump(restored.database)).toEqual(before);
  });

  it('from scratch uses nothing of what Postgres has', async () => {
    const app = await shop.instance();
    await app.projections.waitForAll(await head());
    const before = await dump(app.database);
    await app.projections.rebuild('order-summary');
    await app.database.pool.query(`delete from "order-summary_v1_b2"."order_summary"`);
    await app.projections.pause('order-summary');
    expect(await app.projections.rebuild('order-summary', { fromScratch: true })).toMatchObject({ build: 1 });
    expect(await dump(app.database)).toEqual(before);
    // The running app goes on with it.
    await app.projections.waitForAll(await shop.append(add('1', 1)));
    await eventually(async () => expect(await app.projections.status()).toMatchObject([{ state: 'live', build: 1 }]));
    await expect(app.projections.rollback('order-summary')).rejects.toThrow(NothingToRollBackTo);
  });

  it('is no faster than it may be', async () => {
    const app = await shop.instance();
    await app.projections.waitForAll(await head());
    const began = performance.now();
    const { events } = await app.projections.rebuild('order-summary', { throttle: 100 });
    // The last tenth of a second's worth need not be waited for.
    expect(performance.now() - began).toBeGreaterThan((events - 10) * 10);
  });

  it('finds rows that are not what the events say', async () => {
    const { projections, database } = await shop.instance();
    await projections.waitForAll(await head());
    const table = '"order-summary_v1_b1"."order_summary"';
    await database.pool.query(`update ${table} set "changes" = 99 where "orderId" = '3'`);
    await database.pool.query(`delete from ${table} where "orderId" = '4'`);
    await database.pool.query(
      `insert into ${table} select 'x', "customerId", status, lines, changes, total, "placedAt" from ${table} limit 1`,
    );
    const { drifted, drift = [] } = (await projections.verify('order-summary')) ?? {};
    expect(drifted).toBe(3);
    const byKey = Object.fromEntries(drift.map(({ key, ...difference }) => [String(key['orderId']), difference]));
    expect(byKey).toMatchObject({
      3: { kind: 'different', actual: { changes: 99 }, expected: { customerId: 'ann' } },
      4: { kind: 'missing', actual: null, expected: { orderId: '4' } },
      x: { kind: 'unexpected', actual: { orderId: 'x' }, expected: null },
    });
  });
});

@Entity('order_summary')
class OrderSummaryWithCity {
  @PrimaryColumn('text')
  orderId!: string;
  @Column('enum', { enum: ['placed', 'cancelled', 'lost'] })
  status!: 'placed' | 'cancelled' | 'lost';
  @Column('int')
  lineCount!: number;
}

const second = readModel<OrderSummaryWithCity, OrderEvent>(OrderSummaryWithCity, {
  name: 'order-summary',
  version: 2,
  key: ({ data }) => data.orderId,
  on: {
    OrderPlaced: (_, { data }) => ({ orderId: data.orderId, status: 'placed', lineCount: data.lines.length }),
    LineAdded: (row) => row && { ...row, lineCount: row.lineCount + 1 },
    OrderCancelled: (row) => row && { ...row, status: 'lost' },
  },
});

describe('a raised version', () => {
  let shop: Shop;
  beforeAll(async () => {
    shop = await Shop.open();
    for (let order = 0; order < 20; order++) await shop.place(`${order}`);
  });
  beforeEach(() => shop.useNewDatabase());
  afterEach(() => shop.stopInstances());
  afterAll(() => shop.close());

  it('is built beside the one that is served, while queries of both versions are answered', async () => {
    const old = await shop.instance();
    await old.projections.waitForAll(await shop.append(new OrderCancelled({ orderId: '1', reason: '' })));
    const fresh = await shop.instance({ readModels: [second] });
    const orders = fresh.database.queries.getRepository(OrderSummaryWithCity);
    await meanwhile(
      async () => {
        const [ofOld, ofFresh] = await Promise.all([old.orders.find(), orders.find()]);
        expect([ofOld.length, ofFresh.length]).toEqual([20, 20]);
        expect(new Set(['cancelled', 'lost'])).toContain(ofFresh.find(({ orderId }) => orderId === '1')?.status);
      },
      eventually(
        async () => expect(await fresh.projections.status()).toMatchObject([{ servedVersion: 2, state: 'live' }]),
        {
          within: 20_000,
        },
      ),
    );
    const position = await shop.append(add('2', 1));
    await fresh.projections.waitForAll(position);
    await old.projections.waitForAll(position);
    expect(await orders.findOneBy({ orderId: '2' })).toEqual({ orderId: '2', status: 'placed', lineCount: 2 });
    expect(await old.orders.findOneBy({ orderId: '2' })).toMatchObject({ changes: 2 });
    const { rows } = await fresh.database.pool.query(`select * from public.order_summary where "orderId" = '1'`);
    expect(rows).toEqual([{ orderId: '1', status: 'lost', lineCount: 1 }]);
  });

  it('can be rolled back to the table of the version before, and be built again', async () => {
    const old = await shop.instance();
    await old.projections.waitForAll(await shop.append(new OrderCancelled({ orderId: '1', reason: '' })));
    await old.stop();
    const fresh = await shop.instance({ readModels: [second] });
    const served = (version: number) =>
      eventually(async () => expect(await fresh.projections.status()).toMatchObject([{ servedVersion: version }]), {
        within: 20_000,
      });
    await served(2);
    const orders = fresh.database.queries.getRepository(OrderSummaryWithCity);
    await fresh.projections.rollback('order-summary');
    expect(await fresh.projections.status()).toMatchObject([{ servedVersion: 1, state: 'rolled-back' }]);
    expect(await orders.findOneBy({ orderId: '1' })).toEqual({ orderId: '1', status: 'cancelled', lineCount: null });
    await fresh.projections.rebuild('order-summary');
    await served(2);
    expect(await orders.findOneBy({ orderId: '1' })).toEqual({ orderId: '1', status: 'lost', lineCount: 1 });
  });

  it('is asked for when the entity has changed', async () => {
    const first = await shop.instance();
    await first.stop();
    const changed = { ...second, version: 1 };
    await expect(shop.instance({ readModels: [changed] })).rejects.toThrow(EntityChanged);
  });

  it('is not needed for an entity and handlers that stay the same', async () => {
    await (await shop.instance()).stop();
    const again = await shop.instance({ readModels: [orderSummary] });
    expect(again.orders.metadata.target).toBe(OrderSummary);
    expect(await again.projections.status()).toMatchObject([{ build: 1 }]);
  });
});
