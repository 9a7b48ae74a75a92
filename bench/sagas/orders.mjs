// Orders through the whole shop: placed over HTTP, fulfilled when their stream says so.
import { randomUUID } from 'node:crypto';
import { localToken } from '@annals/nestjs';
import { throughput } from '../harness/load.mjs';

const skus = Array.from({ length: 200 }, (_, i) => `bench-${i}`);

const authorization = localToken({ subject: 'bench', roles: ['operator', 'service'] }, 86_400).then(
  (token) => `Bearer ${token}`,
);

async function post(url, body) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: await authorization },
    body: JSON.stringify(body),
  });
  if (response.status !== 201) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
  return response.json();
}

/** Tells of the end of each order, from the stream of `OrderConfirmed` and `OrderCancelled`. */
async function endings(store) {
  const waiting = new Map();
  const feed = store.feed(['order-']);
  const head = await store.streams.headPosition();
  const consumer = feed.run({
    name: 'bench',
    checkpoint: () => Promise.resolve(head),
    handle: async ({ events }) => {
      for (const { event, at } of events) {
        const orderId = at.stream.slice('order-'.length);
        if (event.type === 'OrderConfirmed') waiting.get(orderId)?.resolve();
        if (event.type === 'OrderCancelled') waiting.get(orderId)?.reject(new Error(`Order ${orderId} was cancelled.`));
      }
    },
    onFailure: (error) => console.error(error),
  });
  return {
    of: (orderId) => new Promise((resolve, reject) => waiting.set(orderId, { resolve, reject })),
    forget: (orderId) => waiting.delete(orderId),
    stop: async () => {
      await consumer.stop();
      await feed.close();
    },
  };
}

export async function ordersOf(shop) {
  await Promise.all(
    skus.map((sku) => post(`${shop.urlOf('inventory')}/stock/${sku}/receipts`, { quantity: 1_000_000 })),
  );
  const ends = await endings(shop.store);
  const orderUrl = `${shop.urlOf('orders')}/orders`;
  const fulfil = async (i) => {
    const orderId = randomUUID();
    const ended = ends.of(orderId);
    const sku = skus[i % skus.length];
    await post(orderUrl, {
      orderId,
      customerId: 'c-1',
      email: 'ada@example.com',
      shipTo: { name: 'Ada Lovelace', street: 'Hauptstraße 1', postcode: '10115', city: 'Berlin', country: 'DE' },
      cardNumber: '4242424242424242',
      lines: [{ sku, quantity: 1, unitPrice: { amount: 450, currency: 'EUR' } }],
    });
    await ended;
    ends.forget(orderId);
  };
  return { run: (count, inFlight) => timed(count, inFlight, fulfil), stop: () => ends.stop() };
}

/** @returns what was done a second, and how long each took, in ms */
export async function timed(count, inFlight, work) {
  const times = [];
  const perSecond = await throughput(count, inFlight, async (i) => {
    const began = performance.now();
    await work(i);
    times.push(performance.now() - began);
  });
  return { perSecond, times };
}
