// `POST /orders` of the orders app, with all that it does for an order afterwards, against the plain way: a row in the same
// Postgres (bench/peers/nest-typeorm-crud). Validated, authorised and on disk before it is answered, both.
import { mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pause } from '@annals/core';
import {
  createDatabaseIfMissing,
  provideNatsServer,
  startEventStoreProcess,
  startNats,
  startPostgres,
} from '@annals/embedded';
import { localToken, makeKeyFile } from '@annals/nestjs';
import autocannon from 'autocannon';
import { startApp, startMain } from '../gateway/processes.mjs';
import { compiled } from '../peers/compile.mjs';
import { whenNeeded } from '../server/parts.mjs';

const connections = 64;
const seconds = 4;
const goals = { throughput: 1, p99: 1.2 };
/** Longer than the fulfilment saga waits for the stock, which nobody reserves here, and for its end. */
const settledWithinMs = 90_000;

const body = JSON.stringify({
  customerId: 'c-1',
  email: 'ada@example.com',
  cardNumber: '4242424242424242',
  shipTo: { name: 'Ada Lovelace', street: 'Hauptstraße 1', postcode: '10115', city: 'Berlin', country: 'DE' },
  lines: [
    { sku: 'tea', quantity: 2, unitPrice: { amount: 450, currency: 'EUR' } },
    { sku: 'cup', quantity: 1, unitPrice: { amount: 1299, currency: 'EUR' } },
  ],
});

export function http() {
  const apps = whenNeeded(start);
  const load = async (side) => {
    const running = await apps.get();
    await settled(running);
    return placed(running[side].url, running.headers);
  };
  const told = { orders: [], crud: [] };
  /** The 99th percentiles are of the runs that gave the throughput, where there were such. */
  const rate = (side) => async () => {
    const { perSecond, p99 } = await load(side);
    told[side].push(p99);
    return perSecond;
  };
  const p99 = (side) => async () => told[side].shift() ?? (await load(side)).p99;
  const against = { peerName: 'Nest, Fastify, TypeORM insert' };
  return {
    comparisons: [
      {
        work: `POST /orders, ${connections} connections`,
        unit: 'orders/s',
        ours: rate('orders'),
        peer: rate('crud'),
        goal: goals.throughput,
        ...against,
      },
      {
        work: `POST /orders, ${connections} connections, p99`,
        unit: 'ms',
        better: 'lower',
        ours: p99('orders'),
        peer: p99('crud'),
        goal: goals.p99,
        ...against,
      },
    ],
    stop: () => apps.stop(),
  };
}

async function placed(url, headers) {
  const { requests, latency, non2xx, errors } = await autocannon({
    url: `${url}/orders`,
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body,
    connections,
    duration: seconds,
  });
  if (non2xx + errors > 0) throw new Error(`${url}: ${non2xx} answers were not 2xx, ${errors} errors.`);
  return { perSecond: requests.average, p99: latency.p99 };
}

/** The orders app goes on after its answers: what it still does must not slow down whoever is measured next. */
async function settled({ orders, headers }) {
  const deadline = performance.now() + settledWithinMs;
  for (;;) {
    const answer = await fetch(`${orders.url}/orders?status=placed&limit=1`, { headers });
    const { items } = await answer.json();
    if (items.length === 0) return;
    if (performance.now() > deadline) throw new Error(`Orders were not settled within ${settledWithinMs} ms.`);
    await pause(200);
  }
}

async function start() {
  const folder = mkdtempSync('.runtime/bench-http-');
  const closing = [() => rmSync(folder, { recursive: true, force: true })];
  const stop = async () => {
    for (const end of closing) await end();
  };
  const opened = async (starting) => {
    const part = await starting;
    closing.unshift(part.stop);
    return part;
  };
  try {
    return { ...(await appsOn(folder, opened)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** @param opened keeps what was started, to be ended in the reverse order */
async function appsOn(folder, opened) {
  const AUTH_KEY_FILE = resolve(folder, 'key.json');
  await makeKeyFile(AUTH_KEY_FILE);
  const token = await localToken({ subject: 'bench', roles: ['operator'] }, 3_600, { AUTH_KEY_FILE });
  const binary = await provideNatsServer({ runtimeDir: resolve('.runtime') });
  const eventStore = await opened(startEventStoreProcess({ port: 0, dataDir: join(folder, 'event-store') }));
  const nats = await opened(startNats({ binary, port: 0, storeDir: resolve(folder, 'nats') }));
  const postgres = await opened(startPostgres({ port: 0, dataDir: resolve(folder, 'postgres') }));
  const orders = await opened(
    startApp('orders', {
      AUTH_KEY_FILE,
      EVENTSTORE_URL: eventStore.url,
      NATS_URL: nats.url,
      DATABASE_URL: await createDatabaseIfMissing(postgres.url, 'orders'),
    }),
  );
  const name = 'nest-typeorm-crud';
  const DATABASE_URL = await createDatabaseIfMissing(postgres.url, 'crud');
  const crud = await opened(startMain(name, await compiled(name), { AUTH_KEY_FILE, DATABASE_URL }));
  return { orders, crud, headers: { authorization: `Bearer ${token}` } };
}
