import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, testPostgres } from '@annals/testing';
import pg from 'pg';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { LineAdded, OrderPlaced, orderSummary, OrderSummary, Shop, type OrderEvent } from '../test/shop.js';
import {
  connectReadDatabase,
  InvalidReadModel,
  PostgresCheckpoints,
  Projections,
  readModel,
  UnknownReadModel,
  type AnyReadModel,
  type RowsAtHand,
} from './index.js';

describe('Projections', () => {
  let shop: Shop;
  beforeAll(async () => {
    shop = await Shop.open();
  });
  afterEach(() => shop.stopInstances());
  afterAll(() => shop.close());

  it('fold events into rows that queries see, and say when', async () => {
    const { projections, orders } = await shop.instance();
    const position = await shop.place('1', 'ann', 3);
    expect(await projections.waitFor('order-summary', position)).toBe(true);
    expect(await orders.findOneByOrFail({ orderId: '1' })).toEqual({
      orderId: '1',
      customerId: 'ann',
      status: 'placed',
      lines: [{ qty: 3, sku: 'a' }],
      changes: 1,
      total: '30.00',
      placedAt: expect.any(Date),
    });
    await eventually(async () =>
      expect(await projections.status()).toMatchObject([
        { name: 'order-summary', state: 'live', events: 1, parked: 0, behind: 0, servedVersion: 1 },
      ]),
    );
  });

  it('wait for a position until the time is up, or the wait is called off', async () => {
    const { projections } = await shop.instance();
    const head = await shop.place('waiting');
    expect(await projections.waitForAll(head)).toBe(true);
    expect(await projections.waitFor('order-summary', head + 1_000_000n, { timeoutMs: 30 })).toBe(false);
    const calledOff = new AbortController();
    const waiting = projections.waitFor('order-summary', head + 1_000_000n, { signal: calledOff.signal });
    calledOff.abort();
    expect(await waiting).toBe(false);
    await expect(projections.waitFor('nope', head)).rejects.toThrow(UnknownReadModel);
  });

  it('tell waiters in other instances, which fold nothing', async () => {
    const { projections: owner } = await shop.instance();
    const { projections: other, orders } = await shop.instance({ started: false });
    for (let round = 0; round < 20; round++) {
      const position = await shop.place(`told-${round}`);
      expect(await other.waitFor('order-summary', position)).toBe(true);
      expect(await orders.existsBy({ orderId: `told-${round}` })).toBe(true);
    }
    // A wait that begins long before the event, too.
    const { positions } = await nextPosition();
    const early = other.waitFor('order-summary', positions);
    await shop.place('told-late');
    expect(await early).toBe(true);
    expect(await owner.status()).toMatchObject([{ state: 'live' }]);

    async function nextPosition() {
      return { positions: (await shop.store.streams.headPosition()) + 1n };
    }
  });

  it('stop and go on where they were', async () => {
    const first = await shop.instance();
    await first.projections.waitFor('order-summary', await shop.place('stopped'));
    await first.stop();
    const position = await shop.append(new LineAdded({ orderId: 'stopped', line: { sku: 'b', qty: 1 } }));
    const second = await shop.instance();
    expect(await second.projections.waitFor('order-summary', position)).toBe(true);
    expect(await second.orders.findOneBy({ orderId: 'stopped' })).toMatchObject({ changes: 2, total: '20.00' });
  });

  it('pause and resume, in all instances', async () => {
    const { projections } = await shop.instance();
    const { projections: other } = await shop.instance({ started: false });
    await projections.waitFor('order-summary', await shop.place('before the pause'));
    await other.pause('order-summary');
    await eventually(async () => expect(await other.status()).toMatchObject([{ state: 'paused' }]));
    // A paused owner lets go of the batch in hand at most.
    await projections.waitFor('order-summary', await shop.place('perhaps in hand'), { timeoutMs: 200 });
    const position = await shop.place('while paused');
    expect(await projections.waitFor('order-summary', position, { timeoutMs: 200 })).toBe(false);
    await other.resume('order-summary');
    expect(await projections.waitFor('order-summary', position)).toBe(true);
  });

  it('survive the loss of every connection to Postgres, and fold each event once', async () => {
    const { projections, orders } = await shop.instance();
    await projections.waitFor('order-summary', await shop.place('outage'));
    const admin = new pg.Client({ connectionString: shop.databaseUrl });
    await admin.connect();
    try {
      for (let round = 1; round <= 60; round++) {
        await shop.append(new LineAdded({ orderId: 'outage', line: { sku: 'x', qty: round } }));
        if (round % 20 === 0)
          await admin.query(
            'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
          );
      }
    } finally {
      await admin.end();
    }
    const position = await shop.place('after the outage');
    expect(await projections.waitFor('order-summary', position, { timeoutMs: 15_000 })).toBe(true);
    const { lines, changes } = await orders.findOneByOrFail({ orderId: 'outage' });
    expect(changes).toBe(61);
    expect(lines.slice(1).map(({ qty }) => qty)).toEqual(Array.from({ length: 60 }, (_, index) => index + 1));
    expect(await projections.parked.list()).toEqual([]);
  });

  it('hand over to another instance when the owner loses its lease, within 5 s', async () => {
    const owner = await shop.instance();
    await owner.projections.waitFor('order-summary', await shop.place('owned'));
    const heir = await shop.instance();
    await owner.stop();
    const started = performance.now();
    const position = await shop.place('inherited');
    expect(await heir.projections.waitFor('order-summary', position, { timeoutMs: 10_000 })).toBe(true);
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  it('refuse two of one name, and two on one table', async () => {
    const { database, store } = await shop.instance({ started: false });
    const make =
      (...readModels: AnyReadModel[]) =>
      () =>
        new Projections({ database, store, feed: store.feed([]), context: 'orders', readModels });
    expect(make(orderSummary, { ...orderSummary })).toThrow(InvalidReadModel);
    expect(make(orderSummary, { ...orderSummary, name: 'other' })).toThrow('a table has one writer');
  });

  it('make the database when it is missing', async () => {
    const server = new URL((await testPostgres()).url);
    server.pathname = '/';
    const context = `test_${Date.now().toString(36)}`;
    const options = { url: server.href, context, readModels: [orderSummary] };
    const [one, other] = await Promise.all([connectReadDatabase(options), connectReadDatabase(options)]);
    try {
      expect((await one.pool.query('select current_database() as name')).rows).toEqual([{ name: context }]);
      const checkpoints = new PostgresCheckpoints(one);
      expect(await checkpoints.load('publisher')).toBe(-1n);
      await checkpoints.save('publisher', 2n ** 60n);
      expect(await new PostgresCheckpoints(other).load('publisher')).toBe(2n ** 60n);
    } finally {
      await Promise.all([one.close(), other.close()]);
    }
  });
});

@Entity('sku_sales')
class SkuSales {
  @PrimaryColumn('text')
  sku!: string;
  @Column('int')
  sold!: number;
  /** What was sold of the best seller when this was sold last. */
  @Column('int')
  ofBest!: number;
}

/** Rows that are not the streams': an order is about several, and a row about many orders. */
const skuSales = readModel<SkuSales, OrderEvent>(SkuSales, {
  name: 'sku-sales',
  version: 1,
  key: (event) => {
    if (event.type === 'OrderPlaced') return event.data.lines.map(({ sku }) => sku);
    return event.type === 'LineAdded' ? event.data.line.sku : undefined;
  },
  lookups: () => 'best',
  on: {
    OrderPlaced: (row, { data }, _, rows) => {
      const qty = data.lines.filter(({ sku }) => sku === rows.key).reduce((sum, line) => sum + line.qty, 0);
      return sale(row, qty, rows);
    },
    LineAdded: (row, { data: { line } }, _, rows) =>
      line.sku === 'withdrawn'
        ? null
        : sale(row, line.qty, line.sku === 'curious' ? { ...rows, row: () => rows.row('x') } : rows),
  },
});

const sale = (row: SkuSales | undefined, qty: number, rows: RowsAtHand<SkuSales>): SkuSales => ({
  sku: rows.key as string,
  sold: (row?.sold ?? 0) + qty,
  ofBest: rows.row('best')?.sold ?? 0,
});

describe('Projections whose keys are not the streams', () => {
  let shop: Shop;
  beforeAll(async () => {
    shop = await Shop.open();
  });
  afterEach(() => shop.stopInstances());
  afterAll(() => shop.close());

  const line = (sku: string, qty: number) => ({ sku, qty });
  const placed = (orderId: string, ...lines: { sku: string; qty: number }[]) =>
    new OrderPlaced({ orderId, customerId: 'ann', lines });

  it('fold one event into several rows, many streams into one, and see other rows as they were at that event', async () => {
    const events = [
      placed('1', line('best', 5), line('tea', 1), line('tea', 2)),
      placed('2', line('best', 10), line('tea', 1)),
      new LineAdded({ orderId: '1', line: line('withdrawn', 1) }),
      placed('3', line('withdrawn', 7)),
      new LineAdded({ orderId: '2', line: line('best', 1) }),
      new LineAdded({ orderId: '2', line: line('late', 2) }),
      new LineAdded({ orderId: '3', line: line('withdrawn', 1) }),
      new LineAdded({ orderId: '3', line: line('curious', 1) }),
    ];
    // In one batch, where no other row is in the table yet.
    let position = -1n;
    for (const event of events) position = await shop.append(event);
    const { projections, database } = await shop.instance({ readModels: [skuSales] });
    expect(await projections.waitFor('sku-sales', position)).toBe(true);
    const sales = database.queries.getRepository(SkuSales);
    const expected = [
      { sku: 'best', sold: 16, ofBest: 15 },
      { sku: 'late', sold: 2, ofBest: 16 },
      { sku: 'tea', sold: 4, ofBest: 15 },
    ];
    const found = async () => (await sales.find({ order: { sku: 'asc' } })).map((row) => ({ ...row }));
    expect(await found()).toEqual(expected);
    expect(await projections.parked.list()).toMatchObject([
      { key: 'curious', error: expect.stringContaining("Name it in 'lookups'") },
    ]);
    // One by one, where all others are.
    await projections.waitFor('sku-sales', await shop.append(new LineAdded({ orderId: '1', line: line('tea', 1) })));
    expect((await found()).at(-1)).toEqual({ sku: 'tea', sold: 5, ofBest: 16 });
    expect((await projections.rebuild('sku-sales')).parkedScopes).toBe(1);
    expect(await projections.verify('sku-sales')).toMatchObject({ rows: 3, drift: [] });
  });
});

describe('Projections with sql handlers', () => {
  let shop: Shop;
  beforeAll(async () => {
    shop = await Shop.open();
  });
  afterEach(() => shop.stopInstances());
  afterAll(() => shop.close());

  const withSql = readModel<OrderSummary, OrderEvent>(OrderSummary, {
    name: 'with-sql',
    version: 1,
    key: ({ data }) => data.orderId,
    on: {
      OrderPlaced: (_, { data }, at) => ({ ...data, status: 'placed', changes: 1, total: '0', placedAt: at.created }),
      LineAdded: (row) => row && { ...row, changes: row.changes + 1 },
    },
    sql: {
      OrderCancelled: async (tx, { data }) => {
        if (data.reason === 'poison') await tx.query(`update ${tx.table} set "changes" = 1 / 0`);
        await tx.query(
          `update ${tx.table} set "changes" = "changes" * 10, "status" = 'cancelled' where "orderId" = $1`,
          [data.orderId],
        );
      },
    },
  });

  it('keep the order among folds and sql, and commit both with the checkpoint', async () => {
    const { projections, orders } = await shop.instance({ readModels: [withSql] });
    const add = new LineAdded({ orderId: '1', line: { sku: 'a', qty: 1 } });
    const cancel = (reason: string): OrderEvent => ({ type: 'OrderCancelled', data: { orderId: '1', reason } });
    await shop.place('1');
    await projections.waitFor('with-sql', await shop.append(add, cancel('x'), cancel('y'), add, cancel('z'), add));
    expect(await orders.findOneBy({ orderId: '1' })).toMatchObject({ changes: 2011, status: 'cancelled' });
    expect((await projections.verify('with-sql'))?.drift).toEqual([]);

    const position = await shop.append(cancel('poison'), add);
    await shop.place('2');
    expect(await projections.waitFor('with-sql', position)).toBe(true);
    expect(await orders.findOneBy({ orderId: '1' })).toMatchObject({ changes: 2011 });
    const [parked] = await projections.parked.list();
    expect(parked).toMatchObject({ key: '1', waiting: 1, error: expect.stringContaining('division by zero') });
    expect(await projections.parked.skip('with-sql', parked?.id ?? '')).toEqual({ applied: 1, stillParked: 0 });
    expect(await orders.findOneBy({ orderId: '1' })).toMatchObject({ changes: 2012 });
  });
});
