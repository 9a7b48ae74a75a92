// What it costs to be observed: the processor time that `POST /orders` takes of an orders app with traces or metrics, against
// one without. Processor time, because a difference of a few per cent drowns in what else the machine does; from Linux's
// /proc. Each app has an event store and a database of its own; messages travel through the event store, nobody takes them.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { join, resolve } from 'node:path';
import { currentTraceparent, inSpan, isMeasuring, pause, timed } from '@annals/core';
import { createDatabaseIfMissing, freePort, startEventStoreProcess, startPostgres } from '@annals/embedded';
import { localToken, makeKeyFile } from '@annals/nestjs';
import { throughput } from '../harness/load.mjs';

const requests = 300;
const inFlight = 16;
const off = { OTEL_SDK_DISABLED: 'true' };

export async function open() {
  mkdirSync('.runtime', { recursive: true });
  const folder = mkdtempSync('.runtime/bench-observability-');
  const trust = { AUTH_KEY_FILE: resolve(folder, 'key.json') };
  await makeKeyFile(trust.AUTH_KEY_FILE);
  const token = await localToken({ subject: 'bench', roles: ['operator'] }, 3_600, trust);
  const postgres = await startPostgres({ port: 0 });
  const collector = await startCollector();
  const traced = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
  const apps = await Promise.all(
    Object.entries({ off, measured: {}, traced }).map(async ([name, settings]) => [
      name,
      await startOrders(name, { ...trust, ...settings }, folder, postgres.url),
    ]),
  );
  const place = Object.fromEntries(apps.map(([name, app]) => [name, () => processorTime(app, token)]));
  const against = { unit: 'ms/order', better: 'lower', peer: place.off, peerName: 'all off' };
  return {
    comparisons: [
      { work: 'POST /orders, metrics on (the default)', ours: place.measured, ...against, goal: 1.03 },
      { work: 'POST /orders, metrics and all traces', ours: place.traced, ...against },
      {
        work: 'all that a command asks of observation, without an SDK',
        unit: 'us',
        better: 'lower',
        ours: idleCost,
        goal: 10,
      },
    ],
    async close() {
      for (const [, app] of apps) await app.stop();
      await postgres.stop();
      collector.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const order = JSON.stringify({
  customerId: 'c-1',
  email: 'ada@example.com',
  cardNumber: '4242424242424242',
  shipTo: { name: 'Ada Lovelace', street: 'Hauptstraße 1', postcode: '10115', city: 'Berlin', country: 'DE' },
  lines: [{ sku: 'tea', quantity: 1, unitPrice: { amount: 450, currency: 'EUR' } }],
});

const ordersPlaced = (url, token) =>
  throughput(requests, inFlight, async () => {
    const answer = await fetch(`${url}/orders`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: order,
    });
    const text = await answer.text();
    if (answer.status !== 201) throw new Error(`${answer.status}: ${text}`);
  });

/** Milliseconds of processor time that an order takes of the app. */
async function processorTime({ url, pid }, token) {
  const before = processorMs(pid);
  await ordersPlaced(url, token);
  return (processorMs(pid) - before) / requests;
}

/** User and system time of a process; see proc_pid_stat(5). A tick is 10 ms. */
function processorMs(pid) {
  const [, afterName = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ');
  const [user, system] = afterName.split(' ').slice(11, 13).map(Number);
  return (user + system) * 10;
}

/** What stands around a request, a command and an append, with nobody to tell it to; in microseconds. */
async function idleCost() {
  const attributes = () => ({ never: 'asked' });
  const times = 50_000;
  const began = performance.now();
  for (let i = 0; i < times; i++) {
    isMeasuring();
    await timed(fail, attributes, () => inSpan('command', { attributes }, () => Promise.resolve(currentTraceparent())));
    await timed(fail, attributes, () => inSpan('append', { attributes }, () => Promise.resolve()));
  }
  return ((performance.now() - began) * 1_000) / times;
}

const fail = () => {
  throw new Error('Nobody measures.');
};

async function startOrders(name, settings, folder, postgresUrl) {
  const eventStore = await startEventStoreProcess({ port: 0, dataDir: join(folder, name) });
  const port = await freePort();
  const main = resolve('dist', 'apps', 'orders', 'src', 'main.js');
  const child = spawn(process.execPath, [main], {
    env: {
      ...process.env,
      EVENTSTORE_URL: eventStore.url,
      DATABASE_URL: await createDatabaseIfMissing(postgresUrl, `observed_${name}`),
      MESSAGING_TRANSPORT: 'eventstore',
      PORT: String(port),
      LOG_LEVEL: 'warn',
      ...settings,
    },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const url = `http://127.0.0.1:${port}`;
  const exited = once(child, 'exit');
  for (let ready = false; !ready;) {
    if (child.exitCode !== null) throw new Error(`orders ended with code ${child.exitCode}.`);
    ready = await fetch(`${url}/health/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (!ready) await pause(100);
  }
  return {
    url,
    pid: child.pid,
    async stop() {
      child.kill('SIGTERM');
      await exited;
      await eventStore.stop();
    },
  };
}

/** Takes spans and forgets them. */
async function startCollector() {
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}
