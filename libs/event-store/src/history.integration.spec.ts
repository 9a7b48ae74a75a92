import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { startEventStore, type RunningEventStore } from '@annals/server';
import { randomUUID } from 'node:crypto';
import { CatchUp } from './catch-up.js';
import { EventStoreConnection } from './connection.js';
import { EventWindow } from './event-window.js';
import { FeedReader } from './feed-reader.js';
import { Histories } from './history.js';
import { beginning, EventStore, type RecordedEvent } from './index.js';

let server: RunningEventStore;
let store: EventStore;
let connection: EventStoreConnection;
let opened: bigint[];
let histories: Histories;
let window: EventWindow;
const { signal } = new AbortController();

beforeEach(async () => {
  server = await startEventStore({ memory: true });
  store = new EventStore({ url: server.url });
  connection = new EventStoreConnection({ url: server.url });
  opened = [];
  window = new EventWindow();
  histories = new Histories({
    open: (after) => {
      opened.push(after);
      return new CatchUp(connection, ['a-'], after);
    },
    liveStart: () => window.start,
  });
});
afterEach(async () => {
  await connection.close();
  await store.close();
  await server.close();
});

/** Numbers from 0, behind a window that begins after them. */
async function write(count: number): Promise<void> {
  for (let from = 0; from < count; from += 500) {
    const events = Array.from({ length: 500 }, (_, i) => ({
      ...{ id: randomUUID(), metadata: {} },
      event: { type: 'Numbered', data: { n: from + i } },
    }));
    await store.streams.append('a-1', events, 'any');
  }
  window.startAfter(await store.streams.headPosition());
}

const reader = (after = beginning) => new FeedReader(window, histories, after, (recorded) => recorded);
const numbers = (events: readonly RecordedEvent[]) => events.map(({ event }) => (event.data as { n: number }).n);
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

async function readToEnd(from: FeedReader, max: number): Promise<number[]> {
  const seen: number[] = [];
  for (;;) {
    const { events, live } = await from.next(max, signal);
    seen.push(...numbers(events));
    if (live) break;
  }
  await from.close();
  return seen;
}

describe('readers behind the window', () => {
  it('share one subscription, each at its own pace, and all get everything once', async () => {
    await write(5_000);
    const seen = await Promise.all([7, 100, 500, 4_096].map((max) => readToEnd(reader(), max)));
    for (const each of seen) expect(each).toEqual(upTo(5_000));
    expect(opened).toEqual([beginning]);
  });

  it('read by themselves when they fall out of what is held', async () => {
    await write(25_000);
    const slow = reader();
    const { events } = await slow.next(10, signal);
    expect(numbers(events)).toEqual(upTo(10));
    expect(await readToEnd(reader(), 4_096)).toEqual(upTo(25_000));
    expect(opened).toHaveLength(1);
    expect(await readToEnd(slow, 4_096)).toEqual(upTo(25_000).slice(10));
    expect(opened).toEqual([beginning, events.at(-1)?.at.position]);
  });

  it('go on with a new subscription when theirs breaks', async () => {
    await write(5_000);
    const [one, other] = [reader(), reader()];
    const begun = [...numbers((await one.next(100, signal)).events), ...numbers((await other.next(50, signal)).events)];
    expect(begun).toEqual([...upTo(100), ...upTo(50)]);
    await connection.dismiss(connection.current, new Error('gone'));
    const goOn = async (broken: FeedReader): Promise<number[]> => {
      const seen: number[] = [];
      for (;;) {
        const batch = await broken.next(500, signal).catch(() => undefined);
        seen.push(...numbers(batch?.events ?? []));
        if (batch?.live) return seen;
      }
    };
    expect(await Promise.all([goOn(one), goOn(other)])).toEqual([upTo(5_000).slice(100), upTo(5_000).slice(50)]);
    expect(opened.length).toBeGreaterThan(1);
    await Promise.all([one.close(), other.close()]);
  });
});
