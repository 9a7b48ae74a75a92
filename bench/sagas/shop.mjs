// The shop's contexts as processes on parts of their own, as `annals start` runs them.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { freePort, provideNatsServer, startEventStoreProcess, startNats, startPostgres } from '@annals/embedded';
import { EventStore } from '@annals/event-store';
import { profiling } from '../harness/profiling.mjs';

const readyWithinMs = 60_000;

const mainOf = (app) => resolve('dist', 'apps', app, 'src', 'main.js');

/** All contexts that are there: no gateway, and not the carrier, which is somebody else's. */
function contexts() {
  const { projects } = JSON.parse(readFileSync('nest-cli.json', 'utf8'));
  return Object.entries(projects)
    .filter(([name, { type }]) => type === 'application' && name !== 'gateway' && name !== 'carrier')
    .map(([name]) => name)
    .filter((name) => existsSync(mainOf(name)));
}

async function startApp(name, env, log) {
  const out = openSync(log, 'a');
  const child = spawn(process.execPath, [...profiling(), mainOf(name)], { env, stdio: ['ignore', out, out] });
  const url = `http://127.0.0.1:${env.PORT}`;
  const until = performance.now() + readyWithinMs;
  for (;;) {
    const ready = await fetch(`${url}/health/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (ready) break;
    if (child.exitCode !== null || performance.now() > until) throw new Error(`${name} is not ready: see ${log}`);
    await new Promise((go) => setTimeout(go, 50));
  }
  return {
    name,
    url,
    child,
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

/** The simulated carrier, as quick as it can be. */
async function startCarrier(folder) {
  const port = String(await freePort());
  const env = { ...process.env, CARRIER_PORT: port, PORT: port, CARRIER_TRANSIT_MS: '1000' };
  return startApp('carrier', env, resolve(folder, 'carrier.log'));
}

export async function startShop() {
  mkdirSync('.runtime', { recursive: true });
  const folder = mkdtempSync(resolve('.runtime', 'bench-sagas-'));
  const binary = await provideNatsServer({ runtimeDir: resolve('.runtime') });
  const [eventStore, nats, postgres] = await Promise.all([
    startEventStoreProcess({ port: 0, dataDir: resolve(folder, 'event-store') }),
    startNats({ binary, port: 0, storeDir: resolve(folder, 'nats') }),
    startPostgres({ port: 0, dataDir: resolve(folder, 'postgres') }),
  ]);
  const shared = { EVENTSTORE_URL: eventStore.url, NATS_URL: nats.url, DATABASE_URL: postgres.url };
  const carrier = await startCarrier(folder);
  const apps = await Promise.all(
    contexts().map(async (name) => {
      const PORT = String(await freePort());
      return startApp(
        name,
        { ...process.env, ...shared, CARRIER_URL: carrier.url, PORT },
        resolve(folder, `${name}.log`),
      );
    }),
  );
  const store = new EventStore({ url: eventStore.url });
  return {
    store,
    databaseUrl: postgres.url,
    urlOf: (name) => apps.find((app) => app.name === name).url,
    async stop() {
      await Promise.all([...apps, carrier].map((app) => app.stop()));
      await store.close();
      await Promise.all([eventStore.stop(), nats.stop(), postgres.stop()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
