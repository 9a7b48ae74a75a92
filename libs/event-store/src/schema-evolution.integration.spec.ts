/** Events of earlier releases, as aggregates, histories and consumers of the feed see them. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Command, decider, Event, storedAs } from '@annals/core';
import { startEventStore, type RunningEventStore } from '@annals/server';
import { eventually } from '@annals/testing';
import { beginning, EventStore, UnknownEvent, type RecordedEvent } from './index.js';

interface PlacedV1 {
  orderId: string;
  euros: number;
}
class Placed extends Event('Placed')<{ orderId: string; cents: number }> {}
class Paid extends Event('Paid')<{ orderId: string }> {}
class Place extends Command('Place')<{ orderId: string; cents: number }> {}

const inCents = ({ orderId, euros }: PlacedV1) => ({ orderId, cents: euros * 100 });
const bill = decider<{ cents: number; paid: boolean }, Place, Placed | Paid>({
  category: 'bill',
  initial: { cents: 0, paid: false },
  idOf: ({ data }) => data.orderId,
  decide: { Place: (_, { data }) => [new Placed(data)] },
  evolve: {
    Placed: (state, { data }) => ({ ...state, cents: state.cents + data.cents }),
    Paid: (state) => ({ ...state, paid: true }),
  },
  upcast: { Placed: storedAs<PlacedV1>().upcast(inCents) },
  retired: {
    PlacedAndPaid: storedAs<PlacedV1>().replacedBy((old) => [
      new Placed(inCents(old)),
      new Paid({ orderId: old.orderId }),
    ]),
  },
  aliases: { Made: 'Placed' },
});

let server: RunningEventStore;
let store: EventStore;
beforeAll(async () => {
  server = await startEventStore({ memory: true });
  store = new EventStore({ url: server.url });
});
afterAll(async () => {
  await store.close();
  await server.close();
});

const old = (type: string, orderId: string, euros: number) => ({
  id: randomUUID(),
  event: { type, data: { orderId, euros } },
  metadata: {},
});
const unknown = (metadata: { schemaVersion?: number } = {}, type = 'Cancelled') => ({
  id: randomUUID(),
  event: { type, data: {} },
  metadata,
});
async function oldStream(...more: ReturnType<typeof unknown>[]): Promise<string> {
  const orderId = randomUUID();
  const events = [old('Placed', orderId, 1), old('Made', orderId, 2), old('PlacedAndPaid', orderId, 3), ...more];
  await store.streams.append(`bill-${orderId}`, events, 'any');
  return orderId;
}
const types = (events: readonly RecordedEvent[]) => events.map(({ event }) => event.type);

describe('a stream with events of earlier releases', () => {
  it('is loaded, gone on with and listed in the shapes of today', async () => {
    const orderId = await oldStream();
    expect(await store.load(bill, orderId)).toEqual({ state: { cents: 600, paid: true }, revision: 2 });
    const { revision } = await store.execute(bill, new Place({ orderId, cents: 5 }));
    expect(revision).toBe(3);

    const history: RecordedEvent[] = [];
    for await (const recorded of store.history(bill, orderId)) history.push(recorded);
    expect(types(history)).toEqual(['Placed', 'Placed', 'Placed', 'Paid', 'Placed']);
    expect(history.map(({ at }) => at.revision)).toEqual([0, 1, 2, 2, 3]);
    expect(new Set(history.map(({ at }) => at.id)).size).toBe(5);
    expect(history.map(({ event }) => (event.data as { cents?: number }).cents)).toEqual([100, 200, 300, undefined, 5]);
  });

  it('keeps the version beside each new event', async () => {
    const orderId = randomUUID();
    await store.execute(bill, new Place({ orderId, cents: 5 }));
    const [stored] = await store.streams.readToEnd(`bill-${orderId}`);
    expect(stored?.at.schemaVersion).toBe(2);
    expect((await store.load(bill, orderId)).state.cents).toBe(5);
  });

  it.each([
    ['of a type that nobody has', unknown()],
    ['of a version that is yet to come', unknown({ schemaVersion: 3 }, 'Placed')],
  ])('stops with an error at an event %s, or goes on without it and counts', async (_, event) => {
    const orderId = await oldStream(event);
    await expect(store.load(bill, orderId)).rejects.toMatchObject({
      constructor: UnknownEvent,
      eventType: event.event.type,
      revision: 3,
    });
    const lenient = new EventStore({ url: server.url, unknownEvents: 'skip' });
    expect((await lenient.load(bill, orderId)).state.cents).toBe(600);
    expect([...lenient.skippedEvents.values()]).toEqual([1]);
    expect((await lenient.execute(bill, new Place({ orderId, cents: 1 }))).revision).toBe(4);
    await lenient.close();
  });
});

describe('a feed with schemas', () => {
  it('gives consumers the shapes of today, and all of a split event, whatever the size of a batch', async () => {
    const own = await startEventStore({ memory: true });
    const elsewhere = new EventStore({ url: own.url });
    const append = async (count: number) => {
      for (let i = 0; i < count; i++)
        await elsewhere.streams.append('bill-1', [old('PlacedAndPaid', '1', 1), old('Made', '1', 1)], 'any');
    };
    await append(3);
    const seen: RecordedEvent[] = [];
    let position = beginning;
    const feed = elsewhere.feed(['bill-'], bill);
    feed.run({
      name: 'shapes',
      maxBatch: 1,
      checkpoint: () => Promise.resolve(position),
      handle: (batch) => {
        seen.push(...batch.events);
        position = batch.position;
        return Promise.resolve();
      },
      onFailure: () => undefined,
    });
    await eventually(() => expect(seen).toHaveLength(9));
    await append(2);
    await eventually(() => expect(seen).toHaveLength(15));
    expect(types(seen)).toEqual(Array.from({ length: 5 }, () => ['Placed', 'Paid', 'Placed']).flat());
    expect(new Set(seen.map(({ at }) => at.id)).size).toBe(15);

    await elsewhere.streams.append('bill-1', [unknown()], 'any');
    await eventually(() => {
      expect(feed.status.connected).toBe(false);
      expect(feed.status.reason).toMatch(/Cancelled .*is not known here/);
    });
    await elsewhere.close();
    await own.close();
  });
});

describe('time travel', () => {
  it('gives the state at a revision or at a time', async () => {
    const orderId = randomUUID();
    for (const cents of [1, 10, 100]) await store.execute(bill, new Place({ orderId, cents }));
    const at = async (when: number | Date) => (await store.load(bill, orderId, { at: when })).state.cents;
    expect(await Promise.all([0, 1, 2, 99].map(at))).toEqual([1, 11, 111, 111]);
    const recorded = await store.streams.readToEnd(`bill-${orderId}`);
    expect(await at(recorded[2]?.at.created ?? new Date(0))).toBe(111);
    expect(await store.load(bill, orderId, { at: new Date(0) })).toEqual({ state: bill.initial, revision: -1 });
  });
});

describe('reading everything', () => {
  it('gives a category, or all, in the order of $all, and ends', async () => {
    const own = await startEventStore({ memory: true });
    const elsewhere = new EventStore({ url: own.url });
    for (let n = 0; n < 20; n++)
      await elsewhere.streams.append(`${n % 2 === 0 ? 'bill' : 'bills'}-${n}`, [old('Placed', String(n), n)], 'any');
    await elsewhere.streams.keepNewest('bill-0', 10);
    const euros = async (events: AsyncIterable<RecordedEvent>) => {
      const found: number[] = [];
      for await (const { event } of events) found.push((event.data as PlacedV1).euros);
      return found;
    };
    const all = Array.from({ length: 20 }, (_, n) => n);
    expect(await euros(elsewhere.streams.readAll())).toEqual(all);
    expect(await euros(elsewhere.streams.readCategory('bill'))).toEqual(all.filter((n) => n % 2 === 0));
    expect(await euros(elsewhere.streams.readCategory('nothing'))).toEqual([]);
    const [third] = await elsewhere.streams.readToEnd('bill-2');
    expect(await euros(elsewhere.streams.readAll({ after: third?.at.position ?? beginning }))).toEqual(all.slice(3));
    for await (const { event } of elsewhere.streams.readAll()) {
      expect(event.type).toBe('Placed');
      break;
    }
    await elsewhere.close();
    await own.close();
  });
});
