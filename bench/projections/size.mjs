// Whether a rebuild of ten times the events has the same rate, and how much memory it takes. Each is made in a process of its own, so that
// nothing of this one is counted.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const worker = join(import.meta.dirname, 'rebuild-process.mjs');
const goals = { rate: 0.9, megabytes: 300 };
const sizes = { usual: 100_000, large: 1_000_000 };

export function size(stores, postgres, { full }) {
  if (!full) return [];
  const memory = [];
  const measure = async (store, events) => {
    const { stdout } = await run(process.execPath, [
      worker,
      (await store.get()).url,
      (await postgres.get()).url,
      events,
    ]);
    return JSON.parse(stdout);
  };
  return [
    {
      work: `rebuild of ${sizes.large} events`,
      unit: 'events/s',
      prepare: () => stores.large.get(),
      ours: async () => {
        const { rate, megabytes } = await measure(stores.large, sizes.large);
        memory.push(megabytes);
        return rate;
      },
      peer: async () => (await measure(stores.together, sizes.usual)).rate,
      peerName: `of ${sizes.usual}`,
      goal: goals.rate,
    },
    {
      work: `memory of the process that rebuilds ${sizes.large} events, at most`,
      unit: 'MB',
      better: 'lower',
      ours: async () => memory.shift() ?? (await measure(stores.large, sizes.large)).megabytes,
      goal: goals.megabytes,
    },
  ];
}
