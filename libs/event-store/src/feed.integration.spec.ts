import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { startEventStore, type RunningEventStore } from '@annals/server';
import { eventually } from '@annals/testing';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beginning, EventStore, type FeedBatch, type FeedConsumer, type RecordedEvent } from './index.js';

let server: RunningEventStore;
let store: EventStore;

beforeEach(async () => {
  server = await startEventStore({ memory: true });
  store = new EventStore({ url: server.url });
});
afterEach(async () => {
  await store.close();
  await server.close();
});

const append = (stream: string, ...numbers: number[]) => appendTo(store, stream, ...numbers);
const appendTo = (to: EventStore, stream: string, ...numbers: number[]) =>
  to.streams.append(
    stream,
    numbers.map((n) => ({ id: randomUUID(), event: { type: 'Numbered', data: { n } }, metadata: {} })),
    'any',
  );
const numbers = (events: readonly RecordedEvent[]) => events.map(({ event }) => (event.data as { n: number }).n);

/** A consumer that remembers what it got and keeps its checkpoint in memory. */
function collector(name: string, more: Partial<FeedConsumer> = {}) {
  const seen: RecordedEvent[] = [];
  const failures: unknown[] = [];
  let position = beginning;
  const consumer: FeedConsumer = {
    name,
    checkpoint: () => Promise.resolve(position),
    handle: (batch: FeedBatch) => {
      seen.push(...batch.events);
      position = batch.position;
      return Promise.resolve();
    },
    onFailure: (error) => failures.push(error),
    ...more,
  };
  return { seen, failures, consumer, moveTo: (to: bigint) => (position = to) };
}

describe('a feed', () => {
  it('gives history, then what comes, of the wanted streams only', async () => {
    await append('a-1', 1, 2);
    await append('b-1', 99);
    const { seen, consumer } = collector('all');
    const running = store.feed(['a-', 'c-']).run(consumer);
    await eventually(() => expect(running.status.state).toBe('live'));
    await append('c-1', 3);
    await append('b-1', 99);
    await append('a-1', 4);
    await eventually(() => expect(numbers(seen)).toEqual([1, 2, 3, 4]));
  });

  it('is live on an empty store, and when nothing in the store concerns it', async () => {
    const feed = store.feed(['a-']);
    const first = feed.run(collector('first').consumer);
    await eventually(() => expect(first.status.state).toBe('live'));
    await append('b-1', 1, 2, 3);
    const second = store.feed(['a-']).run(collector('second').consumer);
    await eventually(() => expect(second.status.state).toBe('live'));
    expect(second.status.position).toBeGreaterThan(beginning);
  });

  it('gives a consumer that is in no hurry what came meanwhile as one batch, and stops it at once', async () => {
    await append('a-1', 0);
    const batches: number[][] = [];
    const { consumer } = collector('unhurried', {
      everyMs: 60_000,
      handle: ({ events }) => Promise.resolve(void batches.push(numbers(events))),
    });
    const running = store.feed(['a-']).run(consumer);
    const hasty = collector('hasty');
    store.feed(['a-']).run(hasty.consumer);
    await eventually(() => expect(running.status.state).toBe('live'));
    for (const n of [1, 2, 3]) await append('a-1', n);
    await eventually(() => expect(numbers(hasty.seen)).toEqual([0, 1, 2, 3]));
    expect(batches.flat()).toEqual([0]);
    await running.stop();
    expect(running.status.state).toBe('stopped');
  });

  it('tells a consumer that it is live, also when there is nothing new since its checkpoint', async () => {
    await append('a-1', 1);
    const head = await store.streams.headPosition();
    for (const start of [head, beginning]) {
      const batches: FeedBatch[] = [];
      const { consumer } = collector('told', {
        checkpoint: () => Promise.resolve(start),
        handle: (batch) => Promise.resolve(void batches.push(batch)),
      });
      store.feed(['b-']).run(consumer);
      await eventually(() => expect(batches.at(-1)).toMatchObject({ events: [], position: head, live: true }));
    }
  });

  it('neither loses nor repeats while it changes from history to live under concurrent writes', async () => {
    const total = 3_000;
    let written = 0;
    const write = async (worker: number) => {
      while (written < total) await append(`a-${worker}`, written++);
    };
    const feed = store.feed(['a-']);
    const early = collector('early');
    feed.run(early.consumer);
    const writers = Array.from({ length: 8 }, (_, worker) => write(worker));
    await eventually(() => expect(written).toBeGreaterThan(total / 2), { within: 20_000 });
    const late = collector('late', { maxBatch: 7 });
    feed.run(late.consumer);
    await Promise.all(writers);
    for (const { seen } of [early, late]) {
      await eventually(() => expect(seen.length).toBeGreaterThanOrEqual(written), { within: 20_000 });
      expect(numbers(seen).sort((a, b) => a - b)).toEqual(Array.from({ length: written }, (_, n) => n));
      const positions = seen.map(({ at }) => at.position);
      expect(positions.every((position, i) => i === 0 || position > (positions[i - 1] ?? beginning))).toBe(true);
    }
  });

  it('goes on from the checkpoint, exclusively', async () => {
    await append('a-1', 1, 2, 3);
    const { seen, consumer, moveTo } = collector('resumed');
    const [, second] = await store.streams.readToEnd('a-1');
    moveTo(second?.at.position ?? beginning);
    store.feed(['a-']).run(consumer);
    await eventually(() => expect(numbers(seen)).toEqual([3]));
  });

  it('gives a batch again from the checkpoint when the consumer fails, and does not hold up others', async () => {
    await append('a-1', 1, 2, 3);
    let attempts = 0;
    const good = collector('good');
    const flaky = collector('flaky');
    const handle = flaky.consumer.handle.bind(flaky.consumer);
    const feed = store.feed(['a-']);
    const running = feed.run({
      ...flaky.consumer,
      handle: (batch, signal) => (attempts++ < 2 ? Promise.reject(new Error('not now')) : handle(batch, signal)),
    });
    feed.run(good.consumer);
    await eventually(() => expect(numbers(good.seen)).toEqual([1, 2, 3]));
    await eventually(() => expect(numbers(flaky.seen)).toEqual([1, 2, 3]));
    expect(flaky.failures).toHaveLength(2);
    await eventually(() => expect(running.status.state).toBe('live'));
  });

  it('lets a consumer be slower than the window is long', async () => {
    const [before, after, size] = [10, 40, 500];
    const total = (before + after) * size;
    const batch = (i: number) => Array.from({ length: size }, (_, n) => i * size + n);
    for (let i = 0; i < before; i++) await append('a-1', ...batch(i));
    let release = () => {};
    const gate = new Promise<void>((resolve) => (release = resolve));
    const slow = collector('slow');
    const handle = slow.consumer.handle.bind(slow.consumer);
    const fast = collector('fast');
    const feed = store.feed(['a-']);
    feed.run({ ...slow.consumer, handle: async (batch, signal) => (await gate, handle(batch, signal)) });
    feed.run(fast.consumer);
    for (let i = before; i < before + after; i++) await append('a-2', ...batch(i));
    await eventually(() => expect(fast.seen).toHaveLength(total), { within: 20_000 });
    release();
    await eventually(() => expect(slow.seen).toHaveLength(total), { within: 20_000 });
    expect(numbers(slow.seen)).toEqual(Array.from({ length: total }, (_, n) => n));
  });

  it('heals when the server goes away and comes back (G11)', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'annals-feed-'));
    let durable = await startEventStore({ path: folder });
    const healing = new EventStore({ url: durable.url });
    try {
      const { seen, consumer } = collector('healing');
      const feed = healing.feed(['a-']);
      feed.run(consumer);
      let written = 0;
      for (let round = 0; round < 5; round++) {
        await appendTo(healing, 'a-1', written++);
        await eventually(() => expect(seen).toHaveLength(written));
        await durable.close();
        await eventually(() => expect(feed.status.connected).toBe(false));
        const meanwhile = appendTo(healing, 'a-1', written++);
        durable = await startEventStore({ path: folder, port: durable.port });
        await meanwhile;
      }
      await eventually(() => expect(numbers(seen)).toEqual(Array.from({ length: written }, (_, n) => n)), {
        within: 10_000,
      });
      expect(feed.status.connected).toBe(true);
    } finally {
      await healing.close();
      await durable.close();
      await rm(folder, { recursive: true });
    }
  });

  it('stops quickly, also while it waits', async () => {
    const running = store.feed(['a-']).run(collector('idle').consumer);
    await eventually(() => expect(running.status.state).toBe('live'));
    await running.stop();
    expect(running.status.state).toBe('stopped');
  });
});
