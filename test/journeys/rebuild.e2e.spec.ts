import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { Shop } from '../shop/shop.js';

const run = promisify(execFile);
const rowsOf = 'select r::text from "order-summary_v3".order_summary r order by "orderId"';

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

    const { stdout } = await run(
      process.execPath,
      [resolve('libs/cli/bin/annals.js'), 'projections', 'rebuild', 'order-summary'],
      {
        env: {
          ...process.env,
          EVENTSTORE_URL: shop.parts.eventStoreUrl,
          DATABASE_URL: shop.databases.orders,
          NODE_OPTIONS: '',
        },
      },
    );
    expect(stdout).toMatch(/order-summary/);

    expect((await database.query(rowsOf)).rows).toEqual(before.rows);
    for (const orderId of placed) expect((await shop.get('orders', `/orders/${orderId}`)).status).toBe(200);
    const later = await shop.placeOrder({ sku: 'rebuilt' });
    await shop.settled(later);
    expect((await database.query(rowsOf)).rows).toHaveLength(31);
  }, 120_000);
});
