// All events there are as an async iterable, in a process of its own: what it holds does not grow with what it reads.
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { EventStore } from '@annals/event-store';
import { throughput } from '../harness/load.mjs';
import { eventStore, whenNeeded } from '../server/parts.mjs';
import { data } from './domain.mjs';

const events = { usual: 100_000, full: 1_000_000 };
const batch = 1_000;
const goalMegabytes = 150;

/** @param dataDir of an event store that holds these events alone */
export function readAll(dataDir, { full }) {
  const count = full ? events.full : events.usual;
  const part = whenNeeded(async () => {
    const server = await eventStore(dataDir);
    await fill(server.url, count);
    return server;
  });
  const how = full ? '' : ` (--full: ${events.full.toLocaleString('en')})`;
  return {
    comparisons: [
      {
        work: `a process that reads ${count.toLocaleString('en')} events as an async iterable, at most${how}`,
        unit: 'MB',
        better: 'lower',
        ours: async () => peakMegabytes((await part.get()).url, count),
        goal: goalMegabytes,
      },
    ],
    stop: () => part.stop(),
  };
}

async function fill(url, count) {
  const store = new EventStore({ url });
  const some = () =>
    Array.from({ length: batch }, () => ({ id: randomUUID(), event: { type: 'ItemsAdded', data }, metadata: {} }));
  await throughput(count / batch, 2, (i) => store.streams.append(`basket-${i}`, some(), 'any'));
  await store.close();
}

const run = promisify(execFile);

async function peakMegabytes(url, count) {
  const { stdout } = await run(process.execPath, [join(import.meta.dirname, 'read-all-process.mjs'), url]);
  const { seen, megabytes } = JSON.parse(stdout);
  if (seen !== count) throw new Error(`${seen} events were read where ${count} are stored.`);
  return megabytes;
}
