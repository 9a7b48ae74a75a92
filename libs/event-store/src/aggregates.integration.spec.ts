/** Remembered states, snapshots and repeated commands: quick ways to the same answer. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Command, decider, DomainError, Event, type SnapshotPolicy } from '@annals/core';
import { startEventStore, type RunningEventStore } from '@annals/server';
import { eventually } from '@annals/testing';
import { unreliableProxy } from '../test/unreliable-proxy.js';
import {
  CommandIdReused,
  EventStore,
  noEvents,
  snapshotStream,
  WrongExpectedRevision,
  type CommandResult,
} from './index.js';

class Added extends Event('Added')<{ listId: string; item: { name: string } }> {}
class Closed extends Event('ListClosed')<{ listId: string }> {}
class Add extends Command('Add')<{ listId: string; item: { name: string } }> {}
class Close extends Command('Close')<{ listId: string }> {}
class ListIsClosed extends DomainError {
  readonly code = 'LIST_CLOSED';
}
interface List {
  readonly items: readonly { name: string }[];
  readonly closed: boolean;
}

/** How often the list was folded: tells what was read. */
let folded = 0;
const listWith = (snapshots?: SnapshotPolicy) =>
  decider<List, Add | Close, Added | Closed>({
    category: 'list',
    initial: { items: [], closed: false },
    decide: {
      Add: (list, { data }) => {
        if (list.closed) throw new ListIsClosed('It is closed.');
        return [new Added(data)];
      },
      Close: (list, { data }) => (list.closed ? [] : [new Closed(data)]),
    },
    evolve: {
      Added: (list, { data }) => {
        folded++;
        return { ...list, items: [...list.items, data.item] };
      },
      ListClosed: (list) => ({ ...list, closed: true }),
    },
    ...(snapshots && { snapshots }),
  });
const list = listWith();

let server: RunningEventStore;
const stores: EventStore[] = [];
const newStore = (options: Partial<ConstructorParameters<typeof EventStore>[0]> = {}) => {
  const store = new EventStore({ url: server.url, ...options });
  stores.push(store);
  return store;
};
const add = (listId: string, name = 'tea', id?: string) => new Add({ listId, item: { name } }, { id });
const foldedBy = async (work: () => Promise<unknown>) => {
  const before = folded;
  await work();
  return folded - before;
};

beforeAll(async () => {
  server = await startEventStore({ memory: true });
});
afterAll(async () => {
  await Promise.all(stores.map((store) => store.close()));
  await server.close();
});

describe('a hot aggregate', () => {
  it('is appended to without being read again', async () => {
    const store = newStore();
    const listId = randomUUID();
    for (let i = 0; i < 5; i++) expect(await foldedBy(() => store.execute(list, add(listId)))).toBe(1);
    expect((await store.load(list, listId)).revision).toBe(4);
  });

  it('needs one more read when another process was faster, and nothing is lost', async () => {
    const [one, other] = [newStore(), newStore()];
    const listId = randomUUID();
    await one.execute(list, add(listId, 'one'));
    await other.execute(list, add(listId, 'other'));
    const { revision } = await one.execute(list, add(listId, 'one again'));
    expect(revision).toBe(2);
    const { state } = await one.load(list, listId);
    expect(state.items.map(({ name }) => name)).toEqual(['one', 'other', 'one again']);
  });

  it('rejects, does nothing and compares revisions on what is stored, not on what it remembers', async () => {
    const [one, other] = [newStore(), newStore()];
    const listId = randomUUID();
    await one.execute(list, new Close({ listId }));
    await other.execute(list, new Close({ listId }));
    const stale = randomUUID();
    await one.execute(list, add(stale));
    await other.execute(list, new Close({ listId: stale }));
    await expect(one.execute(list, add(stale))).rejects.toThrow(ListIsClosed);
    expect(await one.execute(list, new Close({ listId: stale }))).toMatchObject({ revision: 1, events: [] });
    await expect(one.execute(list, add(stale), { expectedRevision: 0 })).rejects.toMatchObject({
      constructor: WrongExpectedRevision,
      actual: 1,
    });
  });

  it('does not reject because of what it remembers wrongly', async () => {
    const [one, other] = [newStore(), newStore()];
    const door = decider<boolean, Open | Enter, Opened | Entered>({
      category: 'door',
      initial: false,
      decide: {
        Open: (_, { data }) => [new Opened(data)],
        Enter: (open, { data }) => {
          if (!open) throw new ListIsClosed('The door is closed.');
          return [new Entered(data)];
        },
      },
      evolve: { Opened: () => true, Entered: (open) => open },
    });
    const doorId = randomUUID();
    await expect(one.execute(door, new Enter({ doorId }))).rejects.toThrow(ListIsClosed);
    await other.execute(door, new Open({ doorId }));
    expect((await one.execute(door, new Enter({ doorId }))).revision).toBe(1);
  });

  it('takes commands of one process one after the other, without a conflict', async () => {
    const store = newStore();
    const listId = randomUUID();
    const results = await Promise.all(Array.from({ length: 100 }, () => store.execute(list, add(listId))));
    expect(results.map(({ revision }) => revision)).toEqual(Array.from({ length: 100 }, (_, n) => n));
  });

  it('remembers nothing that the caller can change', async () => {
    const store = newStore();
    const listId = randomUUID();
    const command = add(listId, 'tea');
    await store.execute(list, command);
    command.data.item.name = 'coffee';
    const { state } = await store.load(list, listId);
    (state.items as { name: string }[])[0] = { name: 'changed' };
    await store.execute(list, add(listId, 'cup'));
    expect((await store.load(list, listId)).state.items).toEqual([{ name: 'tea' }, { name: 'cup' }]);
  });

  it('is the same without a cache, and with one that is too small', async () => {
    for (const cachedAggregates of [0, 1]) {
      const store = newStore({ cachedAggregates });
      const ids = [randomUUID(), randomUUID()];
      for (let i = 0; i < 3; i++) for (const listId of ids) await store.execute(list, add(listId, String(i)));
      for (const listId of ids) expect((await store.load(list, listId)).state.items).toHaveLength(3);
    }
  });
});

class Opened extends Event('Opened')<{ doorId: string }> {}
class Entered extends Event('Entered')<{ doorId: string }> {}
class Open extends Command('Open')<{ doorId: string }> {}
class Enter extends Command('Enter')<{ doorId: string }> {}

describe('a repeated command', () => {
  const snapshotting = listWith({ every: 5, version: 1 });
  it.each([
    ['in the same process', 10_000, list],
    ['without a cache', 0, list],
    ['with snapshots', 0, snapshotting],
  ])('gives its first result: %s', async (_, cachedAggregates, decider) => {
    const store = newStore({ cachedAggregates });
    const listId = randomUUID();
    const first: CommandResult[] = [];
    for (let i = 0; i < 12; i++) first.push(await store.execute(decider, add(listId, String(i), `command ${i}`)));
    await store.close();
    const restarted = newStore({ cachedAggregates });
    for (const again of [restarted, restarted])
      for (let i = 0; i < 12; i++) {
        const result = await again.execute(decider, add(listId, String(i), `command ${i}`));
        expect(result).toEqual({ ...first[i], events: result.events });
        expect(result.events).toMatchObject([{ type: 'Added', data: { item: { name: String(i) } } }]);
      }
    expect((await restarted.load(decider, listId)).revision).toBe(11);
  });

  it('is refused when it says something else: 422', async () => {
    const store = newStore();
    const listId = randomUUID();
    await store.execute(list, add(listId, 'tea', 'key'));
    const refused = { constructor: CommandIdReused, kind: 'unprocessable', commandId: 'key' };
    await expect(store.execute(list, add(listId, 'coffee', 'key'))).rejects.toMatchObject(refused);
    await expect(store.execute(list, new Close({ listId }, { id: 'key' }))).rejects.toMatchObject(refused);
    await expect(newStore().execute(list, add(listId, 'coffee', 'key'))).rejects.toMatchObject(refused);
    expect((await store.load(list, listId)).revision).toBe(0);
  });

  it('is found out also when both copies race, in one process or in two', async () => {
    const both = [newStore(), newStore()] as const;
    for (let round = 0; round < 20; round++) {
      const listId = randomUUID();
      const names = ['tea', 'coffee', 'tea', 'coffee'];
      const results = await Promise.allSettled(
        names.map((name, i) => both[i < 2 ? 0 : 1].execute(list, add(listId, name, 'key'))),
      );
      const [stored, ...more] = await both[0].streams.readToEnd<Added>(`list-${listId}`);
      expect(more).toEqual([]);
      const winner = stored?.event.data.item.name;
      results.forEach((result, i) => {
        if (names[i] === winner) expect(result).toMatchObject({ status: 'fulfilled', value: { revision: 0 } });
        else expect(result).toMatchObject({ status: 'rejected', reason: { code: 'EVENT_STORE_COMMAND_ID_REUSED' } });
      });
    }
  });

  it('has one effect also when the connection dies before the answer', async () => {
    const proxy = await unreliableProxy(server.port);
    const store = newStore({ url: `esdb://127.0.0.1:${proxy.port}?tls=false`, callTimeoutMs: 500 });
    const listId = randomUUID();
    for (let i = 0; i < 10; i++) {
      const done = store.execute(list, add(listId, String(i)));
      proxy.cutAtNextAnswer();
      expect((await done).revision).toBe(i);
    }
    expect((await store.load(list, listId)).state.items.map(({ name }) => name)).toEqual([...'0123456789']);
    await store.close();
    await proxy.close();
  });

  it('is told from one whose id has the same hash', async () => {
    // FNV-1a gives both the same 32 bits.
    const [one, other] = ['costarring', 'liquid'];
    const store = newStore();
    const listId = randomUUID();
    await store.execute(list, add(listId, 'a', one));
    expect((await store.execute(list, add(listId, 'b', other))).revision).toBe(1);
    expect((await store.execute(list, add(listId, 'b', other))).revision).toBe(1);
    expect((await store.execute(list, add(listId, 'a', one))).revision).toBe(0);
  });
});

describe('snapshots', () => {
  const every5 = listWith({ every: 5, version: 1 });
  const fill = async (store: EventStore, decider: typeof list, count: number, listId = randomUUID()) => {
    for (let i = 0; i < count; i++) await store.execute(decider, add(listId, String(i)));
    return listId;
  };
  const newestSnapshot = async (store: EventStore, listId: string) =>
    (await store.streams.readToEnd(snapshotStream(`list-${listId}`))).map(({ event }) => event.data);

  it('are taken every so many events, and only the newest is kept', async () => {
    const store = newStore();
    const listId = await fill(store, every5, 12);
    await eventually(async () =>
      expect(await newestSnapshot(store, listId)).toMatchObject([{ revision: 9, version: 1 }]),
    );
    const cold = newStore();
    expect(await foldedBy(() => cold.load(every5, listId))).toBe(2);
    expect((await cold.load(every5, listId)).state.items.map(({ name }) => name)).toEqual(
      Array.from({ length: 12 }, (_, n) => String(n)),
    );
  });

  it('of another version are ignored and written anew', async () => {
    const store = newStore();
    const listId = await fill(store, every5, 6);
    await eventually(async () => expect(await newestSnapshot(store, listId)).toHaveLength(1));
    const next = listWith({ every: 5, version: 2 });
    const later = newStore();
    expect(await foldedBy(() => later.load(next, listId))).toBe(6);
    await later.execute(next, add(listId));
    await eventually(async () =>
      expect(await newestSnapshot(store, listId)).toMatchObject([{ version: 2, revision: 6 }]),
    );
    expect(await foldedBy(() => newStore().load(next, listId))).toBe(0);
  });

  it.each([
    ['nonsense', { hello: 'world' }],
    [
      'of a stream that is no more',
      { version: 1, revision: 2, lastId: randomUUID(), state: { items: [] }, commands: '' },
    ],
    ['beyond the end', { version: 1, revision: 99, lastId: randomUUID(), state: { items: [] }, commands: '' }],
    ['with broken commands', { version: 1, revision: 2, lastId: 'x', state: {}, commands: 'AAAA' }],
    ['null', null],
  ])('are no error: %s', async (_, data) => {
    const store = newStore();
    const listId = await fill(store, list, 4);
    const event = { type: 'Snapshot', data };
    await store.streams.append(snapshotStream(`list-${listId}`), [{ id: randomUUID(), event, metadata: {} }], 'any');
    expect((await newStore().load(every5, listId)).state.items).toHaveLength(4);
    expect((await newStore().execute(every5, add(listId))).revision).toBe(4);
  });

  it('that cannot be written are reported, and nothing fails', async () => {
    const warnings: string[] = [];
    const log = { info() {}, error() {}, warn: (message: string) => void warnings.push(message) };
    const store = newStore({ log });
    const odd = decider<Map<string, number>, Add, Added>({
      category: 'odd',
      initial: new Map(),
      idOf: ({ data }) => data.listId,
      decide: { Add: (_, { data }) => [new Added(data)] },
      evolve: { Added: (map, { data }) => new Map(map).set(data.item.name, 1) },
      snapshots: { every: 1, version: 1 },
    });
    const listId = randomUUID();
    await store.execute(odd, add(listId));
    await store.execute(odd, add(listId, 'cup'));
    await eventually(() => expect(warnings).toHaveLength(2));
    expect((await store.load(odd, listId)).state.size).toBe(2);
  });

  it('do not outlive their stream', async () => {
    const store = newStore();
    const listId = await fill(store, every5, 6);
    await eventually(async () => expect(await newestSnapshot(store, listId)).toHaveLength(1));
    const { EventStoreDBClient } = await import('@eventstore/db-client');
    const client = EventStoreDBClient.connectionString(server.url);
    await client.deleteStream(`list-${listId}`);
    await client.dispose();
    expect(await newStore().load(every5, listId)).toEqual({ state: every5.initial, revision: noEvents });
  });
});
