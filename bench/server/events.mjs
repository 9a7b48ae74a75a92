// The event of all measurements: 200 bytes of JSON.
import { jsonEvent } from '@eventstore/db-client';
import { throughput } from '../harness/load.mjs';

const type = 'OrderPlaced';
const bytes = 200;
const start = { orderId: 'o-123456789', customer: 'c-42', items: [{ sku: 'ABC', quantity: 2, price: 1999 }], note: '' };
export const data = { ...start, note: 'x'.repeat(bytes - JSON.stringify(start).length) };

export const event = () => jsonEvent({ type, data });
export const events = (count) => Array.from({ length: count }, event);

export const emmettEvents = (count) => Array.from({ length: count }, () => ({ type, data }));

const largestBatch = 1_000;

/** One stream of so many events. */
export async function fillStream(client, stream, count) {
  for (let left = count; left > 0; left -= largestBatch)
    await client.appendToStream(stream, events(Math.min(left, largestBatch)));
}

/** `count` events in streams of `length` each, named `${category}-0`, `${category}-1`, ... */
export const fillStreams = (client, category, count, length) =>
  throughput(count / length, 128, (i) => client.appendToStream(`${category}-${i}`, events(length)));
