// Live latency: from the acknowledgement of an append until a subscriber has the event, at a steady 100 events a second. Both
// arrive on one connection, the event often first; that counts as 0. What a user waits for, from the append sent to the event
// seen, is told beside it, compared with the acknowledgement of the same append.
import { randomUUID } from 'node:crypto';
import { END, persistentSubscriptionToStreamSettingsFromDefaults, streamNameFilter } from '@eventstore/db-client';
import { percentile } from '../harness/statistics.mjs';
import { event } from './events.mjs';

const every = 10;
/** Events of one measurement; the first ones, which find everything cold, do not count. */
const count = 500;
const uncounted = 50;
const goals = { p50: 2, p99: 10 };

/** Each opens a subscription to a stream and resolves when it is live: `{ subscription, acknowledge }`. */
const kinds = {
  'a stream': (client, stream) => whenConfirmed(client.subscribeToStream(stream, { fromRevision: END })),
  $all: (client, stream) =>
    whenConfirmed(client.subscribeToAll({ fromPosition: END, filter: streamNameFilter({ prefixes: [stream] }) })),
  'a persistent group': async (client, stream) => {
    const group = 'bench';
    await client.createPersistentSubscriptionToStream(
      stream,
      group,
      persistentSubscriptionToStreamSettingsFromDefaults({ startFrom: END }),
    );
    const subscription = client.subscribeToPersistentSubscriptionToStream(stream, group);
    return whenConfirmed(subscription, (resolved) => subscription.ack(resolved));
  },
};

async function whenConfirmed(subscription, acknowledge = () => undefined) {
  await new Promise((resolve, reject) => subscription.once('confirmation', resolve).once('error', reject));
  return { subscription, acknowledge };
}

/** @returns milliseconds of each event: from acknowledged to seen, from sent to seen, from sent to acknowledged */
async function latencies(client, open) {
  const stream = `live-${randomUUID()}`;
  const { subscription, acknowledge } = await open(client, stream);
  const times = new Map();
  const allSeen = new Promise((resolve, reject) => {
    let left = count;
    subscription.on('error', reject);
    subscription.on('data', (resolved) => {
      times.get(resolved.event.id).seen = performance.now();
      acknowledge(resolved);
      if (--left === 0) resolve();
    });
  });
  await Promise.all([allSeen, appendSteadily(client, stream, times)]);
  await subscription.unsubscribe();
  const measured = [...times.values()].slice(uncounted);
  return {
    afterAcknowledged: measured.map(({ acknowledged, seen }) => Math.max(0, seen - acknowledged)),
    seen: measured.map(({ sent, seen }) => seen - sent),
    acknowledged: measured.map(({ sent, acknowledged }) => acknowledged - sent),
  };
}

/** Starts an append every 10 ms, by the clock and not after the one before, as independent users do. */
async function appendSteadily(client, stream, times) {
  const began = performance.now();
  const running = [];
  for (let i = 0; i < count; i++) {
    await until(began + i * every);
    const next = event();
    const time = { sent: performance.now(), acknowledged: Number.NaN, seen: Number.NaN };
    times.set(next.id, time);
    running.push(client.appendToStream(stream, next).then(() => (time.acknowledged = performance.now())));
  }
  await Promise.all(running);
}

const until = (moment) => new Promise((resolve) => setTimeout(resolve, Math.max(0, moment - performance.now())));

const shares = { p50: 0.5, p99: 0.99 };

export function live(server) {
  return Object.entries(kinds).flatMap(([kind, open]) => {
    const runs = shared(async () => latencies((await server.get()).client, open));
    return Object.entries(shares).flatMap(([name, share]) => {
      const figure = (what) => {
        const next = runs();
        return async () => percentile((await next())[what], share);
      };
      const row = (work, rest) => ({
        work: `live, subscription to ${kind}, ${1_000 / every} events/s, ${work}, ${name}`,
        unit: 'ms',
        better: 'lower',
        ...rest,
      });
      return [
        row('acknowledged to seen', { ours: figure('afterAcknowledged'), goal: goals[name] }),
        row('sent to seen', {
          ours: figure('seen'),
          peer: figure('acknowledged'),
          peerName: 'sent to acknowledged',
        }),
      ];
    });
  });
}

/** Several rows look at the same runs: each takes the first, the second, ... and only who is ahead of the others measures. */
function shared(measure) {
  const runs = [];
  return () => {
    let next = 0;
    return () => (runs[next++] ??= measure());
  };
}
