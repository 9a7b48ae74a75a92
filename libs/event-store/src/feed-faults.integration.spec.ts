/** The feed when the server is killed, falls silent, or is restarted under load (G11). */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { startEventStoreProcess, type RunningPart } from '@annals/embedded';
import { startEventStore } from '@annals/server';
import { eventually } from '@annals/testing';
import { unreliableProxy } from '../test/unreliable-proxy.js';
import { beginning, EventStore, type FeedConsumer, type RecordedEvent } from './index.js';

const numbered = (n: number) => ({ id: randomUUID(), event: { type: 'Numbered', data: { n } }, metadata: {} });
const numberOf = ({ event }: RecordedEvent) => (event.data as { n: number }).n;

/** A consumer whose effect and checkpoint are one step, as in one transaction. */
function collector(name: string, more: Partial<FeedConsumer> = {}) {
  const seen: RecordedEvent[] = [];
  let position = beginning;
  const consumer: FeedConsumer = {
    name,
    checkpoint: () => Promise.resolve(position),
    handle: (batch) => {
      seen.push(...batch.events);
      position = batch.position;
      return Promise.resolve();
    },
    onFailure: () => undefined,
    ...more,
  };
  return { seen, consumer };
}

describe('a subscription that stands still', () => {
  it('is noticed, reported with its reason, and replaced', async () => {
    const server = await startEventStore({ memory: true });
    const proxy = await unreliableProxy(server.port);
    const [store, writer] = [
      new EventStore({ url: `esdb://127.0.0.1:${proxy.port}?tls=false`, callTimeoutMs: 300, retryForMs: 300 }),
      new EventStore({ url: server.url }),
    ];
    try {
      const { seen, consumer } = collector('all');
      const feed = store.feed(['a-'], { watchdogMs: 200 });
      feed.run(consumer);
      await writer.streams.append('a-1', [numbered(0)], 'any');
      await eventually(() => expect(seen).toHaveLength(1));
      expect(feed.status).toEqual({ connected: true });
      const reasons = new Set<string>();
      proxy.swallowAnswers();
      await writer.streams.append('a-1', [numbered(1)], 'any');
      await eventually(
        () => {
          if (!feed.status.connected) reasons.add(feed.status.reason ?? '');
          expect(seen).toHaveLength(2);
        },
        { every: 5, within: 10_000 },
      );
      await eventually(() => expect(feed.status).toEqual({ connected: true }));
      expect([...reasons].join()).toMatch(/no progress|did not answer/);
    } finally {
      await Promise.all([store.close(), writer.close()]);
      await proxy.close();
      await server.close();
    }
  });

  it('is not mistaken for one that has nothing to give', async () => {
    const server = await startEventStore({ memory: true });
    const proxy = await unreliableProxy(server.port);
    const store = new EventStore({ url: `esdb://127.0.0.1:${proxy.port}?tls=false` });
    try {
      const { seen, consumer } = collector('quiet');
      const feed = store.feed(['a-'], { watchdogMs: 30 });
      feed.run(consumer);
      await eventually(() => expect(feed.status.connected).toBe(true));
      await store.streams.append('other-1', [numbered(0)], 'any');
      const { connections } = proxy;
      const statuses = new Set<boolean>();
      // The watchdog looks many times while only others' events come.
      const until = performance.now() + 600;
      for (let n = 0; performance.now() < until; n++) {
        await store.streams.append('other-1', [numbered(n)], 'any');
        statuses.add(feed.status.connected);
      }
      await store.streams.append('a-1', [numbered(0)], 'any');
      await eventually(() => expect(seen).toHaveLength(1));
      expect(statuses).toEqual(new Set([true]));
      expect(proxy.connections).toBe(connections);
    } finally {
      await store.close();
      await proxy.close();
      await server.close();
    }
  });
});

describe('a server that is killed and restarted 20 times under load', () => {
  it('costs no consumer an event, and none twice in effect', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'annals-feed-faults-'));
    let part: RunningPart = await startEventStoreProcess({ port: 0, dataDir });
    const { port } = part;
    const store = new EventStore({ url: part.url, callTimeoutMs: 5_000, retryForMs: 60_000 });
    try {
      const consumers = [collector('fast'), collector('small batches', { maxBatch: 7 }), collector('late')];
      const [fast, small, late] = consumers;
      const feed = store.feed(['a-', 'b-']);
      for (const each of [fast, small]) if (each) feed.run(each.consumer);

      let writing = true;
      const acknowledged: number[] = [];
      let next = 0;
      const write = async () => {
        while (writing) {
          const n = next++;
          await store.streams.append(`${n % 2 === 0 ? 'a' : 'b'}-${n % 10}`, [numbered(n)], 'any');
          acknowledged.push(n);
        }
      };
      const writers = Array.from({ length: 8 }, write);
      for (let round = 0; round < 20; round++) {
        const before = acknowledged.length;
        await eventually(() => expect(acknowledged.length).toBeGreaterThan(before + 50), { within: 60_000 });
        process.kill(part.pid, 'SIGKILL');
        await part.exited;
        part = await startEventStoreProcess({ port, dataDir });
        if (round === 10 && late) feed.run(late.consumer);
      }
      writing = false;
      await Promise.all(writers);
      const wanted = acknowledged.toSorted((a, b) => a - b);
      for (const { seen } of consumers) {
        await eventually(() => expect(seen.length).toBeGreaterThanOrEqual(wanted.length), { within: 30_000 });
        expect(seen.map(numberOf).toSorted((a, b) => a - b)).toEqual(wanted);
        const positions = seen.map(({ at }) => at.position);
        expect(positions).toEqual(positions.toSorted((a, b) => (a < b ? -1 : 1)));
      }
    } finally {
      await store.close();
      await part.stop();
      await rm(dataDir, { recursive: true, force: true });
    }
  }, 180_000);
});
