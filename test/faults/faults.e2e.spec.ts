/**
 * The whole shop while everything around it fails. `npm run test:faults` runs it long; here a short version of the same.
 * FAULTS_SEED repeats a run, FAULTS_ORDERS and FAULTS_CUT_MS say how much, FAULTS_TRANSPORT how messages travel.
 */
import { expect, it } from '@jest/globals';
import { FaultRun } from './fault-run.js';
import { planFrom } from './plan.js';

const seed = Number(process.env['FAULTS_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const orders = Number(process.env['FAULTS_ORDERS'] ?? 24);
const cutMs = Number(process.env['FAULTS_CUT_MS'] ?? 2_000);
const transport = process.env['FAULTS_TRANSPORT'] === 'eventstore' ? 'eventstore' : 'nats';

it('every order is confirmed or cleanly cancelled, whatever fails meanwhile', async () => {
  const said: string[] = [];
  const say = (line: string) => {
    said.push(line);
    if (process.env['FAULTS_VERBOSE']) process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`);
  };
  say(`seed ${seed}, ${orders} orders over ${transport}`);
  const run = await FaultRun.start({ transport, cutMs, say });
  try {
    await run.play(planFrom(seed, { orders }));
  } catch (cause) {
    throw new Error(`Not right with FAULTS_SEED=${seed}. What was done:\n${said.join('\n')}\n${String(cause)}`, {
      cause,
    });
  } finally {
    await run.stop();
  }
  expect(said.at(-1)).toContain('everything is right');
}, 900_000);
