// Rebuilds: against reading alone, which is what no rebuild through this client can beat unless it reads better, and against Emmett.
import { rebuildPostgreSQLProjections } from '@event-driven-io/emmett-postgresql';
import { countEvents } from '../server/count.mjs';
import { orderDocuments, orderEvent, orderSummary } from './orders.mjs';
import { app, eventsPerStream, rebuild } from './parts.mjs';

const events = 100_000;
/** Emmett takes seconds for so many; rates are compared. */
const emmettEvents = 1_000;
const goals = { readAll: 0.75, emmett: 50 };
const orders = ['together', 'interleaved'];

export function rebuilds(stores, postgres, emmett, whenNeeded) {
  const apps = Object.fromEntries(
    orders.map((order) => [
      order,
      whenNeeded(async () => app((await stores[order].get()).url, (await postgres.get()).url, [orderSummary()])),
    ]),
  );
  const ours = (order) => async () => rebuild(await apps[order].get(), ['order-summary'], events);
  const rows = orders.flatMap((order) => [
    {
      work: `rebuild of ${events} events in ${events / eventsPerStream} streams, ${order}`,
      unit: 'events/s',
      prepare: () => apps[order].get(),
      ours: ours(order),
      peer: async () => readRate((await stores[order].get()).client),
      peerName: "the client's readAll alone",
      goal: goals.readAll,
    },
    {
      work: `rebuild of ${events} events, ${order}, theirs of ${emmettEvents}`,
      unit: 'events/s',
      prepare: async () => fillEmmett(await emmett.get(), order),
      ours: ours(order),
      peer: async () => emmettRate(await emmett.get()),
      peerName: 'Emmett on Postgres, Pongo projection',
      goal: goals.emmett,
    },
  ]);
  return { rows, stop: () => Promise.all(orders.map((order) => apps[order].stop())) };
}

async function readRate(client) {
  const began = performance.now();
  const seen = await countEvents(client.readAll());
  if (seen < events) throw new Error(`${seen} events were read where ${events} are stored.`);
  return (seen * 1_000) / (performance.now() - began);
}

async function fillEmmett({ store, reset }, order) {
  await reset();
  const ids = Array.from({ length: emmettEvents / eventsPerStream }, (_, i) => `o${i}`);
  const numbers = Array.from({ length: eventsPerStream }, (_, number) => number);
  const turns =
    order === 'together'
      ? ids.map((id) => [id, numbers])
      : numbers.flatMap((number) => ids.map((id) => [id, [number]]));
  for (const [id, some] of turns)
    await store.appendToStream(
      `order-${id}`,
      some.map((number) => orderEvent(id, number)),
    );
}

async function emmettRate({ url, documents, forgetCheckpoint }) {
  // A second rebuild empties the collection and goes on after the first one's checkpoint.
  await forgetCheckpoint();
  const consumer = rebuildPostgreSQLProjections({ connectionString: url, projections: [orderDocuments] });
  const began = performance.now();
  await consumer.start();
  const seconds = (performance.now() - began) / 1_000;
  await consumer.close();
  const { rows, changes } = await documents();
  if (rows !== emmettEvents / eventsPerStream || changes !== emmettEvents)
    throw new Error(`Emmett has ${rows} documents of ${changes} events.`);
  return emmettEvents / seconds;
}
