// Ten read models of one app, built at the same time from the same events: they share the reading.
import { orderSummary } from './orders.mjs';
import { app, rebuild } from './parts.mjs';

const events = 100_000;
const count = 10;
const goal = 3;

export function many(stores, postgres, whenNeeded) {
  const names = Array.from({ length: count }, (_, i) => `order-summary-${i}`);
  const ten = whenNeeded(async () =>
    app(
      (await stores.interleaved.get()).url,
      (await postgres.get()).url,
      names.map((name) => orderSummary(name)),
    ),
  );
  const row = {
    work: `${count} read models at once, ${events} events each`,
    unit: 'folds/s',
    ours: async () => rebuild(await ten.get(), names, events),
    peer: async () => rebuild(await ten.get(), names.slice(0, 1), events),
    peerName: 'one of them',
    goal,
  };
  return { rows: [row], stop: () => ten.stop() };
}
