// The gateway: what it costs against calling the context itself, and what a context that is away costs the others.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { startEventStoreProcess, startPostgres } from '@annals/embedded';
import { localToken, makeKeyFile } from '@annals/nestjs';
import autocannon from 'autocannon';
import { paced } from './paced.mjs';
import { startApp, startStub } from './processes.mjs';

const seconds = 3;
const goals = { throughput: 0.8, disturbedP99: 1.5 };
const order = {
  customerId: 'c-42',
  cardNumber: '4242424242424242',
  lines: [{ sku: 'tea', quantity: 2, unitPrice: { amount: 450, currency: 'EUR' } }],
  email: 'ann@example.org',
  shipTo: { name: 'Ann', street: 'Main street 1', postcode: '1010', city: 'Vienna', country: 'AT' },
};

export async function open() {
  mkdirSync('.runtime', { recursive: true });
  const folder = mkdtempSync('.runtime/bench-gateway-');
  const closing = [() => rmSync(folder, { recursive: true, force: true })];
  const close = async () => {
    for (const end of closing) await end();
  };
  const opened = async (starting) => {
    const part = await starting;
    closing.unshift(part.stop ?? part.down);
    return part;
  };
  try {
    return { comparisons: await comparisons(folder, opened), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** @param opened keeps what was started, to be ended in the reverse order */
async function comparisons(folder, opened) {
  const AUTH_KEY_FILE = `${folder}/key.json`;
  await makeKeyFile(AUTH_KEY_FILE);
  const token = await localToken({ subject: 'op', roles: ['operator'] }, 3_600, { AUTH_KEY_FILE });
  const headers = { authorization: `Bearer ${token}` };
  const [eventStore, postgres] = await Promise.all([
    opened(startEventStoreProcess({ port: 0, dataDir: `${folder}/eventstore` })),
    opened(startPostgres({ port: 0 })),
  ]);
  const parts = { EVENTSTORE_URL: eventStore.url, DATABASE_URL: postgres.url, MESSAGING_TRANSPORT: 'eventstore' };
  const orders = await opened(startApp('orders', { ...parts, AUTH_KEY_FILE }));
  const stubs = {};
  for (const name of ['orders', 'inventory', 'payments']) stubs[name] = await opened(startStub(name));
  const gatewayTo = (urls) =>
    opened(
      startApp('gateway', {
        ...urls,
        AUTH_KEY_FILE,
        GATEWAY_RATE_LIMIT: '0',
        RESILIENCE_PAYMENTS_TIMEOUT_MS: '1000',
        RESILIENCE_PAYMENTS_CIRCUIT_OPEN_MS: '2000',
      }),
    );
  const gateway = await gatewayTo({ ORDERS_URL: orders.url });
  const stubbed = await gatewayTo({
    ORDERS_URL: stubs.orders.url,
    INVENTORY_URL: stubs.inventory.url,
    PAYMENTS_URL: stubs.payments.url,
  });
  const orderId = await placeOrder(orders.url, headers);
  return [...overhead({ gateway, orders, stubbed, stubs, orderId, headers }), ...others({ stubbed, stubs, headers })];
}

async function placeOrder(url, headers) {
  const answer = await fetch(`${url}/orders`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify(order),
  });
  if (!answer.ok) throw new Error(`The order was not placed: ${answer.status} ${await answer.text()}`);
  const { orderId } = await answer.json();
  // The read model has it when its query says so.
  const wait = { ...headers, 'annals-wait-for': answer.headers.get('annals-position') };
  const shown = await fetch(`${url}/orders/${orderId}`, { headers: wait });
  if (!shown.ok) throw new Error(`The order is not shown: ${shown.status}.`);
  return orderId;
}

async function reads(url, connections, headers) {
  const { requests, non2xx, errors } = await autocannon({ url, connections, duration: seconds, headers });
  if (non2xx + errors > 0) throw new Error(`${url}: ${non2xx} answers were not 2xx, ${errors} errors.`);
  return requests.average;
}

const overhead = ({ gateway, orders, stubbed, stubs, orderId, headers }) => [
  ...[16, 64, 256].map((connections) => ({
    work: `GET one order, ${connections} connections`,
    unit: 'requests/s',
    ours: () => reads(`${gateway.url}/api/orders/${orderId}`, connections, headers),
    peer: () => reads(`${orders.url}/orders/${orderId}`, connections, headers),
    peerName: 'the context itself',
    goal: goals.throughput,
  })),
  {
    work: 'an answer that costs nothing, 64 connections',
    unit: 'requests/s',
    ours: () => reads(`${stubbed.url}/api/orders/o-1`, 64, headers),
    peer: () => reads(`${stubs.orders.url}/orders/o-1`, 64, headers),
    peerName: 'a bare node:http server',
  },
];

/** 256 connections at a fixed rate, a third of them to payments: the 99th percentile of the others, with and without. */
function others({ stubbed, stubs, headers }) {
  const paths = ['/api/orders/o-1', '/api/stock/tea', '/api/payments/o-1'];
  const measure = async () => {
    const results = await paced({ url: stubbed.url, connections: 256, perSecond: 600, seconds, paths, headers });
    const well = paths.slice(0, 2).map((path) => results.get(path));
    for (const { statuses } of well)
      if (Object.keys(statuses).join() !== '200')
        throw new Error(`Others were not served: ${JSON.stringify(statuses)}.`);
    return Math.max(...well.map(({ p99 }) => p99));
  };
  const { payments } = stubs;
  const disturbances = {
    'payments is down': { begin: () => payments.down(), end: () => payments.up() },
    'payments hangs': { begin: () => payments.behave({ kind: 'hang' }), end: () => payments.behave({ kind: 'well' }) },
  };
  const closed = async () => {
    for (;;) {
      const contexts = await fetch(`${stubbed.url}/health/contexts`, { headers }).then((answer) => answer.json());
      if (contexts.find(({ name }) => name === 'payments').circuit === 'closed') return;
      await fetch(`${stubbed.url}${paths[2]}`, { headers });
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  };
  return Object.entries(disturbances).map(([what, { begin, end }]) => ({
    work: `p99 of the other routes, 256 connections, ${what}`,
    unit: 'ms',
    better: 'lower',
    ours: async () => {
      await begin();
      try {
        return await measure();
      } finally {
        await end();
      }
    },
    peer: async () => {
      await closed();
      return measure();
    },
    peerName: 'payments is well',
    goal: goals.disturbedP99,
  }));
}
