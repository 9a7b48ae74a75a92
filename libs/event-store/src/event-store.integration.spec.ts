import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Command, decider, DomainError, Event, NotJson, runInContext } from '@annals/core';
import { startEventStore, type RunningEventStore } from '@annals/server';
import {
  AppendTooLarge,
  ConcurrencyConflict,
  EventStore,
  EventStoreUnavailable,
  EvolveFailed,
  noEvents,
  TooManyEvents,
  UnfoldableEvent,
  UnregisteredEvent,
  WrongExpectedRevision,
} from './index.js';

class Counted extends Event('Counted')<{ counterId: string; by: number; note?: string }> {}
class Unknown extends Event('Unknown')<{ counterId: string }> {}
class Count extends Command('Count')<{ counterId: string; by: number; note?: string }> {}
class CountTwice extends Command('CountTwice')<{ counterId: string }> {}
class CountOften extends Command('CountOften')<{ counterId: string; times: number }> {}
class DoNothing extends Command('DoNothing')<{ counterId: string }> {}
class Misbehave extends Command('Misbehave')<{ counterId: string }> {}
class TooMuch extends DomainError {
  readonly code = 'COUNTER_TOO_MUCH';
}

const counter = decider<number, Count | CountTwice | CountOften | DoNothing | Misbehave, Counted>({
  category: 'counter',
  initial: 0,
  decide: {
    Count: (total, { data }) => {
      if (total + data.by > 1_000) throw new TooMuch('At most 1000.');
      return [new Counted(data)];
    },
    CountTwice: (_, { data }) => [new Counted({ ...data, by: 1 }), new Counted({ ...data, by: 2 })],
    CountOften: (_, { data: { counterId, times } }) =>
      Array.from({ length: times }, () => new Counted({ counterId, by: 0 })),
    DoNothing: () => [],
    Misbehave: (_, { data }) => [new Unknown(data) as unknown as Counted],
  },
  evolve: {
    Counted: (total, { data }) => {
      if (data.note === 'poison') throw new Error('cannot fold this');
      return total + data.by;
    },
  },
});

let server: RunningEventStore;
let store: EventStore;
let next = 0;
const newId = () => `c${next++}`;
const count = (counterId: string, by: number, id?: string) => new Count({ counterId, by }, { id });

beforeAll(async () => {
  server = await startEventStore({ memory: true });
  store = new EventStore({ url: server.url });
});
afterAll(async () => {
  await store.close();
  await server.close();
});

describe('executing a command', () => {
  it('appends what the decider decides and says where', async () => {
    const counterId = newId();
    const result = await store.execute(counter, new CountTwice({ counterId }));
    expect(result).toMatchObject({
      stream: `counter-${counterId}`,
      revision: 1,
      events: [{ data: { by: 1 } }, { data: { by: 2 } }],
    });
    expect(result.position).toBeGreaterThan(0n);
    expect(await store.load(counter, counterId)).toEqual({ state: 3, revision: 1 });
  });

  it('records conversation, cause and actor', async () => {
    const counterId = newId();
    await runInContext({ correlationId: 'talk-1', actor: 'ann' }, () =>
      store.execute(counter, count(counterId, 1, 'cmd-1')),
    );
    const [recorded] = await store.streams.readToEnd(`counter-${counterId}`);
    expect(recorded?.at).toMatchObject({ correlationId: 'talk-1', causationId: 'cmd-1', actor: 'ann', revision: 0 });
    expect(recorded?.at.created.getTime()).toBeGreaterThan(Date.now() - 60_000);
    expect(recorded?.event).toBeInstanceOf(Counted);
  });

  it('appends nothing when nothing is decided', async () => {
    const counterId = newId();
    expect(await store.execute(counter, new DoNothing({ counterId }))).toMatchObject({
      revision: noEvents,
      events: [],
      position: undefined,
    });
  });

  it('lets rejections through and appends nothing', async () => {
    const counterId = newId();
    await expect(store.execute(counter, count(counterId, 1_001))).rejects.toThrow(TooMuch);
    expect((await store.load(counter, counterId)).revision).toBe(noEvents);
  });

  it('decides again when somebody was faster, so that no update is lost (G2)', async () => {
    const counterId = newId();
    const others = [new EventStore({ url: server.url }), new EventStore({ url: server.url })];
    try {
      const results = await Promise.allSettled(
        Array.from({ length: 30 }, (_, i) => (others[i % 3] ?? store).execute(counter, count(counterId, 1))),
      );
      const done = results.filter(({ status }) => status === 'fulfilled').length;
      for (const result of results)
        if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(ConcurrencyConflict);
      expect(await store.load(counter, counterId)).toEqual({ state: done, revision: done - 1 });
    } finally {
      await Promise.all(others.map((other) => other.close()));
    }
  });

  it('does not decide again when the caller pinned the revision', async () => {
    const counterId = newId();
    await store.execute(counter, count(counterId, 1));
    await expect(store.execute(counter, count(counterId, 1), { expectedRevision: 5 })).rejects.toMatchObject({
      constructor: WrongExpectedRevision,
      expected: 5,
      actual: 0,
    });
    expect((await store.execute(counter, count(counterId, 1), { expectedRevision: 0 })).revision).toBe(1);
  });
});

describe('a repeated command (G3)', () => {
  it('gives its first result, although the state has moved on', async () => {
    const counterId = newId();
    const first = await store.execute(counter, new CountTwice({ counterId }, { id: 'twice' }));
    await store.execute(counter, count(counterId, 990));
    const again = await store.execute(counter, new CountTwice({ counterId }, { id: 'twice' }));
    expect(again).toEqual({ ...first, events: again.events });
    expect(again.events.map(({ data }) => data.by)).toEqual([1, 2]);
    expect((await store.load(counter, counterId)).state).toBe(993);
  });

  it('has one effect also when both copies race', async () => {
    const counterId = newId();
    const results = await Promise.all(
      Array.from({ length: 8 }, () => store.execute(counter, count(counterId, 1, 'same'))),
    );
    expect(new Set(results.map(({ revision }) => revision))).toEqual(new Set([0]));
    expect(await store.load(counter, counterId)).toEqual({ state: 1, revision: 0 });
  });
});

describe('bad input', () => {
  it('is refused before anything is appended', async () => {
    const counterId = newId();
    await expect(store.execute(counter, new Misbehave({ counterId }))).rejects.toThrow(UnregisteredEvent);
    await expect(store.execute(counter, count(counterId, NaN))).rejects.toMatchObject({
      code: 'CORE_NOT_JSON',
      path: 'Counted.data.by',
    });
    await expect(store.execute(counter, count('', 1))).rejects.toMatchObject({ code: 'CORE_INVALID_AGGREGATE_ID' });
    await expect(
      store.execute(counter, new Count({ counterId, by: 1, note: 'x'.repeat(1_100_000) })),
    ).rejects.toMatchObject({ constructor: AppendTooLarge, maxBytes: 1_048_576 });
    await expect(store.execute(counter, new Count({ counterId, by: 1, note: 'poison' }))).rejects.toMatchObject({
      constructor: UnfoldableEvent,
      eventType: 'Counted',
    });
    await expect(store.execute(counter, new CountOften({ counterId, times: 10_000 }))).rejects.toMatchObject({
      constructor: TooManyEvents,
      count: 10_000,
      max: 5_000,
    });
    await expect(
      store.execute(counter, new Count({ counterId, by: 1, note: 'x'.repeat(20_000_000) })),
    ).rejects.toMatchObject({ constructor: AppendTooLarge, maxBytes: 16_777_216 });
    const cyclic: Record<string, unknown> = { counterId };
    cyclic['self'] = cyclic;
    await expect(store.execute(counter, new DoNothing(cyclic as { counterId: string }, { id: 'c' }))).rejects.toThrow(
      NotJson,
    );
    expect((await store.load(counter, counterId)).revision).toBe(noEvents);
  });

  it('takes as many events as are allowed in one command', async () => {
    const counterId = newId();
    const { revision } = await store.execute(counter, new CountOften({ counterId, times: 5_000 }));
    expect(revision).toBe(4_999);
  });

  it.each(['a/b?c=d', 'ü-ß-🙂', '$all', 'a-b-c', '%2e%2e', 'x'.repeat(200)])('takes the id %j as it is', async (id) => {
    await store.execute(counter, count(id, 1));
    await store.execute(counter, count(id, 2));
    expect(await store.load(counter, id)).toEqual({ state: 3, revision: 1 });
  });

  it('names the event that cannot be folded', async () => {
    const counterId = newId();
    const poison = { type: 'Counted', data: { counterId, by: 1, note: 'poison' } };
    await store.streams.append(`counter-${counterId}`, [{ id: randomUUID(), event: poison, metadata: {} }], noEvents);
    await expect(store.load(counter, counterId)).rejects.toMatchObject({
      constructor: EvolveFailed,
      revision: 0,
      eventType: 'Counted',
    });
  });
});

describe('streams', () => {
  it('reads a part, in either direction, and nothing from a stream that is not there', async () => {
    const counterId = newId();
    for (const by of [1, 2, 3]) await store.execute(counter, count(counterId, by));
    const stream = `counter-${counterId}`;
    const read = async (options: Parameters<typeof store.streams.readToEnd>[1]) =>
      (await store.streams.readToEnd<Counted>(stream, options)).map(({ event }) => event.data.by);
    expect(await read({ from: 1 })).toEqual([2, 3]);
    expect(await read({ direction: 'backwards', maxCount: 2 })).toEqual([3, 2]);
    expect(await store.streams.readToEnd('counter-nobody')).toEqual([]);
  });

  it('says that the store is not there, after trying for a while', async () => {
    const nowhere = new EventStore({ url: 'esdb://127.0.0.1:9?tls=false', retryForMs: 300 });
    await expect(nowhere.streams.headPosition()).rejects.toThrow(EventStoreUnavailable);
    await nowhere.close();
  });
});
