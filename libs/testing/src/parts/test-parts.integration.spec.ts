import { connect } from 'node:net';
import { EventStoreDBClient, jsonEvent } from '@eventstore/db-client';
import { describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { eventually } from '../eventually.js';
import { TestPartUnavailable } from '../errors.js';
import { PartSet, type PartKind } from './part-set.js';
import { askDoor, doorVariable, openDoor } from './parts-door.js';
import { testEventStore } from './test-event-store.js';
import { testNats } from './test-nats.js';
import { testPostgres } from './test-postgres.js';

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

describe('testPostgres', () => {
  it('gives an empty database of its own at each call', async () => {
    const [one, other] = [await testPostgres(), await testPostgres()];
    await query(one.url, 'CREATE TABLE t (id int)');
    expect(await query(one.url, `SELECT count(*)::int AS tables FROM pg_tables WHERE tablename = 't'`)).toEqual([
      { tables: 1 },
    ]);
    expect(await query(other.url, `SELECT count(*)::int AS tables FROM pg_tables WHERE tablename = 't'`)).toEqual([
      { tables: 0 },
    ]);
  });
});

describe('testNats', () => {
  it('gives a nats-server with JetStream, the same at each call', async () => {
    const { url } = await testNats();
    expect(await testNats()).toEqual({ url });
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    let info = '';
    socket.on('data', (chunk) => (info += chunk.toString()));
    try {
      await eventually(() => expect(info).toMatch(/^INFO .*"jetstream":true/));
    } finally {
      socket.destroy();
    }
  });
});

describe('without the global setup', () => {
  it('a worker has parts of its own, the same at each call', async () => {
    const { url: ofTheRun } = await testNats();
    const door = process.env[doorVariable];
    delete process.env[doorVariable];
    try {
      const { url } = await testNats();
      expect(url).not.toBe(ofTheRun);
      expect(await testNats()).toEqual({ url });
    } finally {
      process.env[doorVariable] = door;
    }
  });
});

describe('a part that cannot be had', () => {
  it('is an error with the reason', async () => {
    const { server, address } = await openDoor(new PartSet('.runtime'));
    try {
      const failure = await askDoor(address, 'oracle' as PartKind, '1').catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(TestPartUnavailable);
      expect((failure as Error).message).toMatch(/oracle.*no part/);
    } finally {
      server.close();
    }
  });
});

describe('testEventStore', () => {
  it('gives an empty event store of its own at each call', async () => {
    const stores = await Promise.all([testEventStore(), testEventStore()]);
    const clients = stores.map(({ url }) => EventStoreDBClient.connectionString(url));
    try {
      const [one, other] = clients;
      await one?.appendToStream('order-1', jsonEvent({ type: 'OrderPlaced', data: {} }));
      const types = async (client: EventStoreDBClient | undefined) => {
        const found: string[] = [];
        for await (const { event } of client?.readAll() ?? [])
          if (event && !event.type.startsWith('$')) found.push(event.type);
        return found;
      };
      expect(await types(one)).toEqual(['OrderPlaced']);
      expect(await types(other)).toEqual([]);
    } finally {
      await Promise.all(clients.map((client) => client.dispose()));
      await Promise.all(stores.map((store) => store.close()));
    }
  });
});
