import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { freePort, startPostgres } from '@annals/embedded';
import { EventStore } from '@annals/event-store';
import { eventually } from '@annals/testing';
import { Shop } from '../shop/shop.js';
import { Place } from '../start/annals-command.js';

const run = promisify(execFile);
const rowsOf = 'select r::text from "order-summary_v3".order_summary r order by "orderId"';

/** `annals projections …` on this Postgres. */
const annals = (databaseUrl: string, ...words: readonly string[]) =>
  run(process.execPath, [resolve('libs/cli/bin/annals.js'), 'projections', ...words], {
    env: { ...process.env, EVENTSTORE_URL: shop.parts.eventStoreUrl, DATABASE_URL: databaseUrl, NODE_OPTIONS: '' },
  });

async function onDatabase<Result>(url: string, work: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Every row of every read model of a database, by the view that queries see. */
const dump = (url: string): Promise<Record<string, string[]>> =>
  onDatabase(url, async (client) => {
    const views = await client.query<{ schema: string; name: string }>(
      `select table_schema as schema, table_name as name from information_schema.views
       where table_schema not in ('pg_catalog', 'information_schema', 'annals') order by 1, 2`,
    );
    const dumped: Record<string, string[]> = {};
    for (const { schema, name } of views.rows) {
      const { rows } = await client.query<{ row: string }>(
        `select t::text as row from "${schema}"."${name}" t order by 1`,
      );
      dumped[`${schema}.${name}`] = rows.map(({ row }) => row);
    }
    return dumped;
  });

let shop: Shop;
let database: pg.Client;
beforeAll(async () => {
  shop = await Shop.start();
  database = new pg.Client({ connectionString: shop.databases.orders });
  await database.connect();
}, 180_000);
afterAll(async () => {
  await database.end();
  await shop.stop();
});

describe('annals projections rebuild order-summary', () => {
  it('gives byte-equal rows, in a new table, while the app keeps answering', async () => {
    await shop.receiveStock('rebuilt', 20);
    const placed: string[] = [];
    for (let i = 0; i < 30; i++)
      placed.push(await shop.placeOrder({ sku: 'rebuilt', card: i % 3 === 0 ? 'declined' : 'accepted' }));
    for (const orderId of placed) await shop.settled(orderId);
    const before = await database.query<{ r: string }>(rowsOf);
    expect(before.rows).toHaveLength(30);

    const { stdout } = await annals(shop.databases.orders, 'rebuild', 'order-summary');
    expect(stdout).toMatch(/order-summary/);

    expect((await database.query(rowsOf)).rows).toEqual(before.rows);
    for (const orderId of placed) expect((await shop.get('orders', `/orders/${orderId}`)).status).toBe(200);
    const later = await shop.placeOrder({ sku: 'rebuilt' });
    await shop.settled(later);
    expect((await database.query(rowsOf)).rows).toHaveLength(31);
  }, 120_000);
});

describe('annals projections rebuild --all --from-scratch', () => {
  it('restores every read model of the shop from the event store alone', async () => {
    await shop.receiveStock('restored', 20);
    for (const card of ['accepted', 'declined'] as const) {
      const orderId = await shop.placeOrder({ sku: 'restored', card });
      await shop.settled(orderId);
    }
    const apps = Object.keys(shop.databases) as (keyof typeof shop.databases)[];
    const postgres = await startPostgres({ port: await freePort(), durable: false });
    const databaseOf = (app: string) => `${postgres.url}/${app}`;
    const asItWas = async () => {
      for (const app of apps) {
        const expected = await dump(shop.databases[app]);
        expect(Object.values(expected).flat().length).toBeGreaterThan(0);
        expect(await dump(databaseOf(app))).toEqual(expected);
      }
    };
    try {
      const { stdout } = await annals(postgres.url, 'rebuild', '--all', '--from-scratch', '--json');
      const rebuilt = JSON.parse(stdout) as { name: string; events: number }[];
      expect(rebuilt.map(({ name }) => name)).toEqual(
        expect.arrayContaining(['order-summary', 'stock-level', 'payment']),
      );
      await asItWas();

      // Nothing of what is there is used, whatever was done to it.
      await onDatabase(databaseOf('postgres'), (client) => client.query('drop database inventory'));
      await onDatabase(databaseOf('orders'), async (client) => {
        const { rows } = await client.query<{ table: string }>(
          `select format('%I.%I', table_schema, table_name) as table from annals.read_model_build`,
        );
        for (const { table } of rows) await client.query(`delete from ${table}`);
        await client.query('update annals.read_model_checkpoint set position = 9000000000, events = 0');
      });
      await annals(postgres.url, 'rebuild', '--all', '--from-scratch');
      await asItWas();
    } finally {
      await postgres.stop();
    }
  }, 180_000);
});

describe('annals projections status --watch', () => {
  it('shows what changes, until it is interrupted', async () => {
    await shop.receiveStock('watched', 2);
    await shop.settled(await shop.placeOrder({ sku: 'watched' }));
    const place = new Place();
    try {
      const watch = place.run(['projections', 'status', 'order-summary', '--watch'], {
        EVENTSTORE_URL: shop.parts.eventStoreUrl,
        DATABASE_URL: shop.databases.orders,
      });
      const row = /^order-summary +orders +3 +\S+ +(\d+)/gm;
      const positions = () => [...watch.stdout().matchAll(row)].map(([, position]) => Number(position));
      await watch.says(/^order-summary +orders +3 +\S+ +\d+/m, 15_000);
      const [first = Infinity] = positions();
      await shop.settled(await shop.placeOrder({ sku: 'watched' }));
      await eventually(() => expect(positions().at(-1)).toBeGreaterThan(first), { within: 20_000 });
      watch.kill('SIGINT');
      expect(await watch.ended).toMatchObject({ code: 0, stderr: '' });
    } finally {
      await place.leave();
    }
  }, 90_000);
});

describe('annals projections parked', () => {
  const parked = async (...words: readonly string[]) => {
    const { stdout } = await annals(shop.databases.orders, 'parked', ...words);
    return stdout;
  };
  const health = async () => {
    const { status, body } = await shop.get<{ status: string; parts: { name: string; status: string }[] }>(
      'orders',
      '/health/ready',
    );
    return { http: status, status: body.status, readModels: body.parts.find(({ name }) => name === 'read models') };
  };

  it('lists, shows, retries and skips what could not be folded; the app is ready meanwhile, and other keys go on', async () => {
    const store = new EventStore({ url: shop.parts.eventStoreUrl });
    const toAppend = (type: string) => ({
      id: randomUUID(),
      event: { type, data: { orderId: 'poison' } },
      metadata: { $correlationId: 'poisoned', $causationId: 'nobody knows' },
    });
    const events = [toAppend('OrderPlaced'), toAppend('OrderConfirmed')];
    await store.streams.append('order-poison', events, 'any');
    await store.close();
    await eventually(
      async () =>
        expect(await health()).toEqual({
          http: 200,
          status: 'degraded',
          readModels: { name: 'read models', status: 'degraded', reason: 'order-summary has 1 parked keys' },
        }),
      { within: 20_000 },
    );
    await shop.receiveStock('healthy', 1);
    const orderId = await shop.placeOrder({ sku: 'healthy' });
    expect(await shop.settled(orderId)).toBe('confirmed');

    const listed = JSON.parse(await parked('list', 'order-summary', '--json')) as { id: string; waiting: number }[];
    expect(listed).toMatchObject([{ readModel: 'order-summary', key: 'poison', waiting: 1 }]);
    const id = String(listed[0]?.id);
    expect(await parked('list', 'order-summary')).toMatch(
      new RegExp(`^${id} +order-summary +poison +OrderPlaced +1 +TypeError`, 'm'),
    );
    const shown = await parked('show', 'order-summary', id);
    expect(shown).toMatch(/^OrderPlaced \S+ of order-poison, revision 0\nparked at \S+ after 3 attempts: TypeError/);
    expect(shown).toContain(`behind it: OrderConfirmed ${events[1]?.id}, revision 1`);

    await expect(parked('retry', 'order-summary', id)).rejects.toMatchObject({
      code: 1,
      stdout: '0 events folded, 2 still parked\n',
      stderr: expect.stringContaining('CLI_STILL_PARKED'),
    });
    // A failed retry parks them again.
    const [again] = JSON.parse(await parked('list', 'order-summary', '--json')) as { id: string }[];
    const parkedId = String(again?.id);
    expect(await parked('skip', 'order-summary', parkedId)).toBe('1 events folded, 0 still parked\n');
    expect(await parked('list', 'order-summary')).toBe('Nothing is parked.\n');
    await expect(parked('skip', 'order-summary', parkedId)).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('PROJECTIONS_NOT_PARKED'),
    });
    await eventually(async () => expect((await health()).readModels).toEqual({ name: 'read models', status: 'up' }));
  }, 120_000);
});
