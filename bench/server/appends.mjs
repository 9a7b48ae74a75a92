// Appends of one event and of 1,000, against Emmett on Postgres; and what an append costs the server's processor.
import { randomUUID } from 'node:crypto';
import { throughput } from '../harness/load.mjs';
import { emmettEvents, event, events } from './events.mjs';

const streams = 2_000;
/** Long enough for a steady rate, short enough for many rounds. Emmett does a quarter: it takes as long. */
const appendsAt = { 1: 400, 16: 4_000, 64: 6_000, 256: 8_000 };
const goals = { 1: 1, 16: 1, 64: 3, 256: 3, batch: 1.5, cpuMicroseconds: 80 };
const batch = 1_000;
const batches = 12;
/** In flight. One by one, the client that encodes and the server take turns; with several they work side by side. */
const batchesAt = [1, 4];
// Each batch goes to a stream of its own: Emmett refuses appends that meet on one stream, whatever version they expect.
const peerName = 'Emmett on Postgres';

export function appends(server, emmett) {
  return [...Object.entries(appendsAt).map(single), ...batchesAt.map(batchesOf1000), processorTime()];

  function single([inFlight, count]) {
    const rate = (times, append) => throughput(times, Number(inFlight), append);
    const ours = async (times) => {
      const { client } = await server.get();
      return rate(times, (i) => client.appendToStream(`single-${i % streams}`, event()));
    };
    const theirs = async (times) => {
      const { store } = await emmett.get();
      return rate(times, (i) => store.appendToStream(`single-${i % streams}`, emmettEvents(1)));
    };
    return {
      work: `single appends to ${streams} streams, ${inFlight} in flight`,
      unit: 'appends/s',
      prepare: () => Promise.all([ours(streams), theirs(streams)]),
      ours: () => ours(count),
      peer: () => theirs(Math.ceil(count / 4)),
      peerName,
      goal: goals[inFlight],
    };
  }

  function batchesOf1000(inFlight) {
    const rate = async (append) => (await throughput(batches, inFlight, append)) * batch;
    const ours = async () => {
      const { client } = await server.get();
      return rate(() => client.appendToStream(`batch-${randomUUID()}`, events(batch)));
    };
    const theirs = async () => {
      const { store } = await emmett.get();
      return rate(() => store.appendToStream(`batch-${randomUUID()}`, emmettEvents(batch)));
    };
    return {
      work: `batches of ${batch}, ${inFlight} in flight`,
      unit: 'events/s',
      prepare: async () => {
        await ours();
        await theirs();
      },
      ours,
      peer: theirs,
      peerName,
      goal: goals.batch,
    };
  }

  function processorTime() {
    const inFlight = 64;
    const count = appendsAt[inFlight];
    const each = async () => {
      const { client, figures } = await server.get();
      const before = await figures();
      await throughput(count, inFlight, (i) => client.appendToStream(`single-${i % streams}`, event()));
      const after = await figures();
      return (after.cpu - before.cpu) / count;
    };
    return {
      work: `the server's processor time for an append, ${inFlight} in flight`,
      unit: 'microseconds',
      better: 'lower',
      // A server that has just started is still being compiled.
      prepare: async () => {
        await each();
        await each();
      },
      ours: each,
      goal: goals.cpuMicroseconds,
    };
  }
}
