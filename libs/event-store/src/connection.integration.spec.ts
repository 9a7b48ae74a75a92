/** The client's own traps, each provoked. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startEventStore, type RunningEventStore } from '@annals/server';
import { eventually } from '@annals/testing';
import { EventStoreDBClient } from '@eventstore/db-client';
import { unreliableProxy, type UnreliableProxy } from '../test/unreliable-proxy.js';
import { EventStore, EventStoreUnavailable, noEvents, WrongExpectedRevision } from './index.js';

let server: RunningEventStore;
let proxy: UnreliableProxy;
let store: EventStore;

beforeAll(async () => {
  server = await startEventStore({ memory: true });
});
afterAll(() => server.close());
beforeEach(async () => {
  proxy = await unreliableProxy(server.port);
  store = storeAt(proxy.port);
});
afterEach(async () => {
  await store.close();
  await proxy.close();
});

const storeAt = (port: number, more: { callTimeoutMs?: number; retryForMs?: number } = {}) =>
  new EventStore({ url: `esdb://127.0.0.1:${port}?tls=false`, callTimeoutMs: 500, ...more });
const numbered = (n: number) => ({ id: randomUUID(), event: { type: 'Numbered', data: { n } }, metadata: {} });
const newStream = () => `trap-${randomUUID()}`;

describe('an append whose answer is lost', () => {
  it('is repeated on a new connection, and is there once', async () => {
    const stream = newStream();
    await store.streams.append(stream, [numbered(0)], noEvents);
    proxy.cutAtNextAnswer();
    expect((await store.streams.append(stream, [numbered(1)], 0)).revision).toBe(1);
    expect(await store.streams.readToEnd(stream)).toHaveLength(2);
    expect(proxy.connections).toBe(2);
  });

  it('does not wait for ever on a connection that has fallen silent', async () => {
    const stream = newStream();
    await store.streams.append(stream, [numbered(0)], noEvents);
    proxy.swallowAnswers();
    const events = [numbered(1), numbered(2)];
    expect((await store.streams.append(stream, events, 0)).revision).toBe(2);
    expect(await store.streams.readToEnd(stream)).toHaveLength(3);
  });

  it('is repeated for each of many appends under way', async () => {
    const stream = newStream();
    await store.streams.append(stream, [numbered(0)], noEvents);
    const appends = Array.from({ length: 200 }, (_, n) =>
      store.streams.append(`${stream}-${n}`, [numbered(n)], noEvents),
    );
    proxy.cutAtNextAnswer();
    expect((await Promise.all(appends)).map(({ revision }) => revision)).toEqual(Array(200).fill(0));
  });
});

describe('a connection that fails', () => {
  it('fails nobody else in the process, neither before nor after', async () => {
    const other = new EventStore({ url: server.url });
    try {
      const [mine, others] = [newStream(), newStream()];
      await Promise.all([
        store.streams.append(mine, [numbered(0)], noEvents),
        other.streams.append(others, [numbered(0)], noEvents),
      ]);
      for (let round = 1; round <= 5; round++) {
        const appends = [
          ...Array.from({ length: 20 }, (_, n) => store.streams.append(`${mine}-${round}-${n}`, [numbered(n)], 'any')),
          ...Array.from({ length: 20 }, (_, n) =>
            other.streams.append(`${others}-${round}-${n}`, [numbered(n)], 'any'),
          ),
        ];
        proxy.cutAtNextAnswer();
        await Promise.all(appends);
      }
    } finally {
      await other.close();
    }
  });

  it('is replaced, again and again', async () => {
    const stream = newStream();
    for (let round = 0; round < 5; round++) {
      expect((await store.streams.append(stream, [numbered(round)], round - 1)).revision).toBe(round);
      proxy.cut();
      const meanwhile = store.streams.readToEnd(stream);
      await eventually(() => proxy.mend());
      expect(await meanwhile).toHaveLength(round + 1);
    }
  });

  it('is given up after a while, with a coded error', async () => {
    const impatient = storeAt(proxy.port, { retryForMs: 300 });
    proxy.cut();
    await expect(impatient.streams.append(newStream(), [numbered(0)], 'any')).rejects.toThrow(EventStoreUnavailable);
    await expect(impatient.streams.readToEnd(newStream())).rejects.toThrow(EventStoreUnavailable);
    await impatient.close();
  });

  it('does not interrupt a long read: it goes on behind the last event', async () => {
    const stream = newStream();
    for (let i = 0; i < 5; i++)
      await store.streams.append(
        stream,
        Array.from({ length: 1_000 }, (_, n) => numbered(i * 1_000 + n)),
        'any',
      );
    const revisions: number[] = [];
    for await (const { at } of store.streams.read(stream)) {
      revisions.push(at.revision);
      if (at.revision === 10 || at.revision === 1_500) {
        proxy.cut();
        proxy.mend();
      }
    }
    expect(revisions).toEqual(Array.from({ length: 5_000 }, (_, n) => n));
    expect(proxy.connections).toBeGreaterThan(1);
  });
});

describe('the first moments of a connection', () => {
  it('take far more than 100 appends and reads at once', async () => {
    const fresh = new EventStore({ url: server.url });
    try {
      const stream = newStream();
      const appends = Array.from({ length: 500 }, (_, n) =>
        fresh.streams.append(`${stream}-${n}`, [numbered(n)], noEvents),
      );
      expect(await Promise.all(appends)).toHaveLength(500);
      const reads = Array.from({ length: 500 }, (_, n) => fresh.streams.readToEnd(`${stream}-${n}`));
      expect((await Promise.all(reads)).flat()).toHaveLength(500);
    } finally {
      await fresh.close();
    }
  });
});

describe('a refused append', () => {
  it('tells the real revision, whatever the connection string says about errors', async () => {
    const lenient = new EventStore({
      url: `${server.url}${server.url.includes('?') ? '&' : '?'}throwOnAppendFailure=false`,
    });
    try {
      const stream = newStream();
      await lenient.streams.append(stream, [numbered(0), numbered(1), numbered(2)], noEvents);
      await expect(lenient.streams.append(stream, [numbered(9)], 0)).rejects.toMatchObject({
        constructor: WrongExpectedRevision,
        expected: 0,
        actual: 2,
      });
      const client = EventStoreDBClient.connectionString(server.url);
      await client.tombstoneStream(stream);
      await client.dispose();
      await expect(lenient.streams.append(stream, [numbered(9)], 2)).rejects.toMatchObject({
        code: 'EVENT_STORE_STREAM_DELETED',
      });
    } finally {
      await lenient.close();
    }
  });
});
