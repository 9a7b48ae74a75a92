// The processes that are measured: apps as they are deployed, and contexts that do nothing but answer.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { freePort } from '@annals/embedded';
import { profiling } from '../harness/profiling.mjs';

const root = join(import.meta.dirname, '../..');
/** What is measured ends with who measures, however that ends. */
const endWithOwner = pathToFileURL(join(root, 'libs/cli/dist/processes/end-with-owner.js')).href;
const readyWithinMs = 60_000;

/** @returns the URL of an app that is ready, and how to end it */
export const startApp = (name, environment) =>
  startMain(name, join(root, `dist/apps/${name}/src/main.js`), environment);

/** As {@link startApp}, of any program that listens on PORT and answers at /health/ready. */
export async function startMain(name, main, environment) {
  const port = await freePort();
  const child = spawn(process.execPath, [...profiling(), '--import', endWithOwner, main], {
    env: { ...process.env, LOG_LEVEL: 'error', ...environment, PORT: String(port) },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const url = `http://127.0.0.1:${port}`;
  const deadline = performance.now() + readyWithinMs;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`${name} ended with code ${child.exitCode}.`);
    if (performance.now() > deadline) throw new Error(`${name} was not ready within ${readyWithinMs} ms.`);
    const ready = await fetch(`${url}/health/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (ready) return { url, stop: () => end(child, 'SIGTERM') };
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** A context in a process of its own; `behave({ kind })` as test/gateway/behave.mjs says. */
export async function startStub(name) {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  let child;
  const up = async () => {
    child = spawn(process.execPath, [join(root, 'test/gateway/behave.mjs')], {
      env: { ...process.env, NAME: name, PORT: String(port) },
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    await once(child.stdout, 'data');
  };
  await up();
  return {
    url,
    up,
    down: () => end(child, 'SIGKILL'),
    behave: (behaviour) => fetch(`${url}/_behave`, { method: 'PUT', body: JSON.stringify(behaviour) }),
  };
}

async function end(child, signal) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  await once(child, 'exit');
}
