// Reads of 20,000 events. Their limit is the client's decoding: the same client reads the same bytes from a server that replies
// from memory (replay-server.mjs).
import { START } from '@eventstore/db-client';
import { milliseconds } from '../harness/load.mjs';
import { countEvents } from './count.mjs';
import { emmettEvents, fillStream } from './events.mjs';

const count = 20_000;
/** Reads in one measurement. */
const repeat = 2;
const goal = 0.9;
const stream = 'read';

const readStream = (client) => countEvents(client.readStream(stream));
const readAll = (client) => countEvents(client.readAll({ maxCount: count }));
const catchUp = (client) => countEvents(client.subscribeToAll({ fromPosition: START }), count);

/** Events a second of `repeat` reads; the reads must give all events. */
async function rate(read, client) {
  const taken = await milliseconds(async () => {
    for (let i = 0; i < repeat; i++) {
      const seen = await read(client);
      if (seen !== count) throw new Error(`${seen} events were read where ${count} are stored.`);
    }
  });
  return (repeat * count * 1_000) / taken;
}

export function reads(server, replay, emmett) {
  const filled = async () => {
    const part = await server.get();
    await (part.filling ??= fillStream(part.client, stream, count));
    return part.client;
  };
  const replaying = async () => {
    await filled();
    return (await replay.get()).client;
  };
  const row = (work, read) => ({
    work,
    unit: 'events/s',
    // The first read through the replaying server is the one that it records.
    prepare: async () => {
      await rate(read, await filled());
      await rate(read, await replaying());
    },
    ours: async () => rate(read, await filled()),
    peer: async () => rate(read, await replaying()),
    peerName: 'same bytes from memory',
    goal,
  });
  return [
    row(`read a stream of ${count} events`, readStream),
    row(`read $all, ${count} events`, readAll),
    row(`catch-up subscription to $all, ${count} events`, catchUp),
    againstEmmett(),
  ];

  function againstEmmett() {
    let stored;
    const store = async () => {
      const part = await emmett.get();
      await (stored ??= fillEmmett(part.store));
      return part.store;
    };
    return {
      work: `read a stream of ${count} events, for orientation`,
      unit: 'events/s',
      prepare: store,
      ours: async () => rate(readStream, await filled()),
      peer: async () => rate(async (from) => (await from.readStream(stream)).events.length, await store()),
      peerName: 'Emmett on Postgres',
    };
  }
}

async function fillEmmett(store) {
  const batch = 1_000;
  for (let done = 0; done < count; done += batch) await store.appendToStream(stream, emmettEvents(batch));
}
