/**
 * A rebuild whose process is killed over and over again: it gives what an undisturbed one gives (G4, G5). More often with
 * ANNALS_TEST_CRASHES.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { testEventStore, testPostgres, type TestEventStore } from '@annals/testing';
import { counterApp, expectedCounters, type CounterApp } from '../../test/counters.js';

const ids = Array.from({ length: 7 }, (_, index) => `c${index}`);
const every = 100;
const crashes = Number(process.env['ANNALS_TEST_CRASHES'] ?? 2);
const events = every * (crashes + 1);
/** Events that a rebuild reads at once here. */
const batch = 8;

let store: TestEventStore;
let databaseUrl: string;
let app: CounterApp;
beforeAll(async () => {
  store = await testEventStore();
  databaseUrl = (await testPostgres()).url;
  app = await counterApp(store.url, databaseUrl);
});
afterAll(async () => {
  await app.stop();
  await store.close();
});

/** Rebuilds in a process of its own, killed when it has read `killAt` events. @returns what it read first, and last */
async function rebuildUntil(killAt: number): Promise<{ first: number; last: number; finished: boolean }> {
  const file = resolve('libs/projections/test/instance-process.mjs');
  const child = spawn(process.execPath, [file, store.url, databaseUrl, 'rebuild'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  const exited = once(child, 'exit');
  const seen: number[] = [];
  let finished = false;
  for await (const line of createInterface({ input: child.stdout })) {
    const [word, figure] = line.split(' ');
    if (word === 'rebuilt') finished = true;
    if (word === 'done') seen.push(Number(figure));
    if (!finished && (seen.at(-1) ?? 0) >= killAt) child.kill('SIGKILL');
  }
  await exited;
  return { first: seen[0] ?? 0, last: seen.at(-1) ?? 0, finished };
}

it('is the same after kill -9 at every 100th event, and does not begin anew each time', async () => {
  await app.projections.start();
  await app.projections.waitForAll(await app.count(ids, 0, events));
  const rows = () => app.rows().then((found) => found.map((row) => ({ ...row })));
  expect(await rows()).toEqual(expectedCounters(ids, events));

  const begun: number[] = [];
  for (let killAt = every; killAt < events; killAt += every) {
    const { first, finished } = await rebuildUntil(killAt);
    expect(finished).toBe(false);
    begun.push(first);
    expect(await rows()).toEqual(expectedCounters(ids, events));
  }
  expect(begun.at(-1)).toBeGreaterThan(2 * batch);
  await app.projections.waitForAll(await app.count(ids, events, 10));
  expect(await rebuildUntil(Infinity)).toMatchObject({ finished: true, last: events + 10 });
  expect(await rows()).toEqual(expectedCounters(ids, events + 10));
  expect(await app.projections.status()).toMatchObject([{ build: 2 }]);
  expect(await app.projections.verify('counters')).toMatchObject({ rows: ids.length, drifted: 0 });
}, 300_000);
