// Event stores with orders in them, and apps that project them.
import { randomUUID } from 'node:crypto';
import { createDatabaseIfMissing } from '@annals/embedded';
import { EventStore } from '@annals/event-store';
import { connectReadDatabase, Projections } from '@annals/projections';
import { jsonEvent } from '@eventstore/db-client';
import { throughput } from '../harness/load.mjs';
import { eventStore } from '../server/parts.mjs';
import { metadata, orderEvent } from './orders.mjs';

export const eventsPerStream = 50;

const stored = (orderId, number) => {
  const id = randomUUID();
  return jsonEvent({ id, ...orderEvent(orderId, number), metadata: metadata(id) });
};
const numbers = Array.from({ length: eventsPerStream }, (_, number) => number);

/** Fills `streams` streams. 'together': the events of a stream follow each other; 'interleaved': the streams take turns. */
const fill = {
  together: (client, streams) =>
    throughput(streams, 64, (i) =>
      client.appendToStream(
        `order-o${i}`,
        numbers.map((number) => stored(`o${i}`, number)),
      ),
    ),
  async interleaved(client, streams) {
    for (const number of numbers)
      await throughput(streams, 256, (i) => client.appendToStream(`order-o${i}`, stored(`o${i}`, number)));
  },
};

/** An event store with `events` events of orders. */
export async function ordersStore(dataDir, events, order) {
  const part = await eventStore(dataDir);
  await fill[order](part.client, events / eventsPerStream);
  return part;
}

/** What an app has of read models, on a database of its own; not started. */
export async function app(eventStoreUrl, postgresUrl, readModels) {
  const context = 'bench';
  const url = await createDatabaseIfMissing(postgresUrl, `bench_${randomUUID().slice(0, 8)}`);
  const store = new EventStore({ url: eventStoreUrl });
  const database = await connectReadDatabase({ url, context, readModels });
  const feed = store.feed(['order-']);
  const projections = new Projections({ database, context, feed, store, readModels });
  return {
    projections,
    store,
    database,
    async stop() {
      await projections.stop();
      await store.close();
      await database.close();
    },
  };
}

/** Folds all events anew. @returns events a second; all of them must have been read, and all rows be there */
export async function rebuild({ projections, database }, names, events) {
  const began = performance.now();
  const rebuilt = await Promise.all(names.map((name) => projections.rebuild(name)));
  const seconds = (performance.now() - began) / 1_000;
  for (const one of rebuilt) if (one.events !== events) throw new Error(`${one.events} of ${events} events were read.`);
  for (const name of names) {
    const { rows } = await database.pool.query(
      `select count(*)::int as rows, sum(changes)::int as changes from ${name.replaceAll('-', '_')}`,
    );
    if (rows[0].rows !== events / eventsPerStream || rows[0].changes !== events)
      throw new Error(`${name} has ${rows[0].rows} rows of ${rows[0].changes} events.`);
  }
  return (names.length * events) / seconds;
}
