// Live: from the acknowledgement of a command's append until a query sees its row, at a steady 200 commands a second. What an app
// waits with for `Annals-Wait-For` says when: it is told right after the commit, which is the moment from which queries see it.
import { randomUUID } from 'node:crypto';
import { percentile } from '../harness/statistics.mjs';
import { metadata, orderEvent, orderSummary } from './orders.mjs';
import { app } from './parts.mjs';

const every = 5;
const count = 1_000;
/** The first ones find everything cold. */
const uncounted = 100;
const goals = { p50: [0.5, 10], p99: [0.99, 50] };

export function live(server, postgres, whenNeeded) {
  const running = whenNeeded(async () => {
    const started = await app((await server.get()).url, (await postgres.get()).url, [orderSummary()]);
    await started.projections.start();
    return started;
  });
  const runs = [];
  const figure = (share) => {
    let next = 0;
    return async () => percentile(await (runs[next++] ??= latencies(await running.get())), share);
  };
  const rows = Object.entries(goals).map(([name, [share, goal]]) => ({
    work: `live, ${1_000 / every} commands/s, acknowledged to row visible, ${name}`,
    unit: 'ms',
    better: 'lower',
    ours: figure(share),
    goal,
  }));
  return { rows, stop: () => running.stop() };
}

/** @returns milliseconds of each command */
async function latencies({ store, projections, database }) {
  const run = randomUUID();
  const measured = [];
  const began = performance.now();
  const running = [];
  for (let i = 0; i < count; i++) {
    await until(began + i * every);
    running.push(place(`${run}-${i}`));
  }
  await Promise.all(running);
  const { rows } = await database.pool.query('select 1 from order_summary where "orderId" like $1', [`${run}-%`]);
  if (rows.length !== count) throw new Error(`${rows.length} of ${count} rows are there.`);
  return measured.slice(uncounted);

  async function place(orderId) {
    const event = { id: randomUUID(), event: orderEvent(orderId, 0), metadata: metadata(run) };
    const { position } = await store.streams.append(`order-${orderId}`, [event], 'any');
    const acknowledged = performance.now();
    if (!(await projections.waitFor('order-summary', position))) throw new Error(`The row of ${orderId} did not come.`);
    measured.push(performance.now() - acknowledged);
  }
}

const until = (moment) => new Promise((resolve) => setTimeout(resolve, Math.max(0, moment - performance.now())));
