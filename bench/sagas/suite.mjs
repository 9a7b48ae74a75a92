// Orders fulfilled end to end, through the processes of all contexts, by a durable saga: against a workflow of five steps of
// DBOS, which runs in one process and talks to nobody but its Postgres.
import { median, percentile } from '../harness/statistics.mjs';
import { dbosOn } from './dbos.mjs';
import { ordersOf } from './orders.mjs';
import { startShop } from './shop.mjs';

const count = 400;
const goal = 1;

export async function open() {
  const shop = await startShop();
  const orders = await ordersOf(shop);
  const dbos = await dbosOn(shop.databaseUrl);
  // The compilers of all processes are warm then.
  await orders.run(count, 16);
  return {
    comparisons: [...at(16, orders, dbos, goal), ...at(64, orders, dbos)],
    async close() {
      await orders.stop();
      await dbos.stop();
      await shop.stop();
    },
  };
}

/** Throughput and times of the same runs: what is measured for the first row is told again in the others. */
function at(inFlight, orders, dbos, goal) {
  const seen = { ours: [], peer: [] };
  const measure = (side, what) => async () => {
    const result = await what.run(count, inFlight);
    seen[side].push(result);
    return result.perSecond;
  };
  const told = (side, share) => () => {
    const next = seen[side].shift();
    seen[side].push(next);
    return Promise.resolve(share === 0.5 ? median(next.times) : percentile(next.times, share));
  };
  const peerName = `DBOS at ${inFlight}`;
  return [
    {
      work: `orders fulfilled, ${inFlight} in flight`,
      unit: 'orders/s',
      ours: measure('ours', orders),
      peer: measure('peer', dbos),
      peerName,
      ...(goal && { goal }),
    },
    ...[0.5, 0.99].map((share) => ({
      work: `time of an order, p${share * 100}, ${inFlight} in flight`,
      unit: 'ms',
      better: 'lower',
      ours: told('ours', share),
      peer: told('peer', share),
      peerName,
    })),
  ];
}
