import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { testPostgres } from '@annals/testing';
import pg from 'pg';
import { createInbox, firstDelivery, pruneInbox } from './inbox.js';

describe('the inbox', () => {
  let pool: pg.Pool;

  beforeAll(async () => {
    const { url } = await testPostgres();
    pool = new pg.Pool({ connectionString: url });
    await createInbox(await singleClient());
    await pool.query('create table bills (id text)');
  });
  const clients: pg.PoolClient[] = [];
  const singleClient = async () => {
    const client = await pool.connect();
    clients.push(client);
    return client;
  };
  afterAll(async () => {
    for (const client of clients) client.release();
    await pool.end();
  });

  /** What a handler does: the effect and its memory in one transaction. */
  const handle = async (client: pg.PoolClient, id: string, outcome: 'commit' | 'rollback', consumer = 'billing') => {
    await client.query('begin');
    const first = await firstDelivery(client, consumer, id);
    if (first) await client.query('insert into bills values ($1)', [id]);
    await client.query(outcome);
    return first;
  };
  const bills = async (id: string) => (await pool.query('select 1 from bills where id = $1', [id])).rowCount;

  it('lets a message have its effect once per consumer', async () => {
    const client = await singleClient();
    expect(await handle(client, 'm-1', 'commit')).toBe(true);
    expect(await handle(client, 'm-1', 'commit')).toBe(false);
    expect(await handle(client, 'm-1', 'commit', 'reports')).toBe(true);
    expect(await bills('m-1')).toBe(2);
  });

  it('forgets a message together with the effect that was rolled back', async () => {
    const client = await singleClient();
    expect(await handle(client, 'm-2', 'rollback')).toBe(true);
    expect(await handle(client, 'm-2', 'commit')).toBe(true);
    expect(await bills('m-2')).toBe(1);
  });

  it('makes a second delivery at the same time wait for the first', async () => {
    const [one, two] = [await singleClient(), await singleClient()];
    await one.query('begin');
    expect(await firstDelivery(one, 'billing', 'm-3')).toBe(true);
    const second = handle(two, 'm-3', 'commit');
    await one.query(`insert into bills values ('m-3')`);
    await one.query('commit');
    expect(await second).toBe(false);
    expect(await bills('m-3')).toBe(1);
  });

  it('is pruned by age', async () => {
    const client = await singleClient();
    await handle(client, 'm-4', 'commit');
    expect(await pruneInbox(client, new Date(Date.now() - 60_000))).toBe(0);
    expect(await pruneInbox(client, new Date(Date.now() + 60_000))).toBeGreaterThan(0);
    expect(await handle(client, 'm-4', 'commit')).toBe(true);
  });
});
