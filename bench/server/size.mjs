// What a store of many events costs: an append and a read against a store of 50,000, memory and start.
import { milliseconds, throughput } from '../harness/load.mjs';
import { countEvents } from './count.mjs';
import { event, fillStreams } from './events.mjs';

const small = 50_000;
/** The size of the goals takes minutes to fill, so it is there for `--full`. */
const large = { usual: 500_000, full: 5_000_000 };
const streamLength = 10;
const goals = { cost: 1.2, megabytes: 300, startMs: 1_000 };
const inFlight = { appends: 64, reads: 16 };
const appendsOnce = 4_000;
const readsOnce = 1_500;
const readInRow = 20_000;

const number = (value) => value.toLocaleString('en');

/** @param open (name) => a part with an event store whose data stay when it is stopped, so that it can be started again */
export function size(open, { full }) {
  const stored = full ? large.full : large.usual;
  const how = full ? '' : ` (--full: ${number(large.full)})`;
  const stores = { large: filled(open('large'), stored), small: filled(open('small'), small) };
  return {
    comparisons: [...Object.entries(works).map(cost), memory(), start()],
    stop: () => Promise.all(Object.values(stores).map(({ stop }) => stop())),
  };

  function cost([work, once]) {
    const measure = async ({ get, events }) => once(await get(), events);
    return {
      work: `${work}, ${number(stored)} stored${how}`,
      unit: 'microseconds/event',
      better: 'lower',
      prepare: async () => {
        await measure(stores.large);
        await measure(stores.small);
      },
      ours: () => measure(stores.large),
      peer: () => measure(stores.small),
      peerName: `${number(small)} stored`,
      goal: goals.cost,
    };
  }

  function memory() {
    return {
      work: `the server's resident memory while it is read and appended to, ${number(stored)} stored${how}`,
      unit: 'MB',
      better: 'lower',
      ours: async () => {
        const store = await stores.large.get();
        for (const once of Object.values(works)) await once(store, stored);
        return (await store.figures()).rss / 1e6;
      },
      goal: goals.megabytes,
    };
  }

  function start() {
    return {
      work: `start, process included, ${number(stored)} stored${how}`,
      unit: 'ms',
      better: 'lower',
      ours: async () => {
        await stores.large.get();
        await stores.large.stop();
        return milliseconds(() => stores.large.get());
      },
      goal: goals.startMs,
    };
  }
}

/** Each does its work once, on streams taken at random from all, and gives microseconds per event. */
const works = {
  [`append to any stream, ${inFlight.appends} in flight`]: async ({ client }, stored) =>
    1e6 / (await throughput(appendsOnce, inFlight.appends, () => client.appendToStream(anyStream(stored), event()))),
  [`read any stream of ${streamLength}, ${inFlight.reads} in flight`]: async ({ client }, stored) =>
    1e6 / streamLength / (await throughput(readsOnce, inFlight.reads, () => readStream(client, anyStream(stored)))),
  [`read $all, ${number(readInRow)} in a row`]: async ({ client }) => {
    let seen;
    const taken = await milliseconds(async () => {
      seen = await countEvents(client.readAll({ maxCount: readInRow }));
    });
    return (taken * 1_000) / seen;
  },
};

const anyStream = (stored) => `size-${Math.floor(Math.random() * (stored / streamLength))}`;

async function readStream(client, stream) {
  const seen = await countEvents(client.readStream(stream, { maxCount: streamLength }));
  if (seen !== streamLength) throw new Error(`${stream} has ${seen} events where it should have ${streamLength}.`);
}

/** A store that is started, filled once and restarted at will. */
function filled(start, events) {
  let running;
  let full;
  const get = async () => {
    const store = await (running ??= start());
    await (full ??= fillStreams(store.client, 'size', events, streamLength));
    return store;
  };
  const stop = async () => {
    const store = await running;
    running = undefined;
    await store?.stop();
  };
  return { events, get, stop };
}
