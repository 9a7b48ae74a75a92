import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { freePort, startPostgres } from '@annals/embedded';
import { Shop } from '../shop/shop.js';

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
