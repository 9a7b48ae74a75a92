// Commands on aggregates: against the bare client's append on the same server, against Emmett on the same Postgres, and over HTTP
// against a plain insert; and what reading all events takes.
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { startEventStoreProcess, startPostgres } from '@annals/embedded';
import { EventStore } from '@annals/event-store';
import { CommandHandler } from '@event-driven-io/emmett';
import { getPostgreSQLEventStore } from '@event-driven-io/emmett-postgresql';
import { EventStoreDBClient, jsonEvent } from '@eventstore/db-client';
import pg from 'pg';
import { createDatabaseIfMissing } from '@annals/embedded';
import { milliseconds, throughput } from '../harness/load.mjs';
import { AddItems, basketWith, data, emmettBasket } from './domain.mjs';
import { http } from './http.mjs';
import { readAll } from './read-all.mjs';

const aggregates = 2_000;
/** Long enough for a steady rate, short enough for many rounds. */
const commandsAt = { 1: 400, 16: 4_000, 64: 6_000, 256: 6_000 };
const goals = { bareWarm: 0.9, bareCold: 0.5, emmett: 3 };

export async function open({ full }) {
  mkdirSync('.runtime', { recursive: true });
  const dataDir = mkdtempSync('.runtime/bench-commands-');
  // Whatever ends the run: nothing is left behind.
  process.once('exit', () =>
    [dataDir, `${dataDir}.log`, `${dataDir}-all`, `${dataDir}-all.log`].forEach((path) =>
      rmSync(path, { recursive: true, force: true }),
    ),
  );
  const [server, postgres] = await Promise.all([
    startEventStoreProcess({ port: 0, dataDir }),
    startPostgres({ port: 0 }),
  ]);
  const store = new EventStore({ url: server.url });
  const uncached = new EventStore({ url: server.url, cachedAggregates: 0 });
  const client = EventStoreDBClient.connectionString(server.url);
  const connectionString = await createDatabaseIfMissing(postgres.url, 'emmett');
  const pool = new pg.Pool({ connectionString });
  // A connection that breaks while nobody uses it, as when Postgres stops first, is no end of the run; a query's error is.
  pool.on('error', (error) => console.error(`A connection of the peer broke: ${error.message}`));
  const emmett = getPostgreSQLEventStore(connectionString, { connectionOptions: { pooled: true, pool } });
  await emmett.schema.migrate();
  const parts = { store, uncached, client, emmett };
  const [overHttp, all] = [http(), readAll(`${dataDir}-all`, { full })];
  return {
    comparisons: [
      ...againstBare(parts),
      ...againstEmmett(parts),
      ...streamLengths(parts),
      ...overHttp.comparisons,
      ...all.comparisons,
    ],
    async close() {
      await Promise.all([overHttp.stop(), all.stop()]);
      await Promise.all([store.close(), uncached.close(), emmett.close()]);
      await pool.end();
      void client.dispose();
      await Promise.all([server.stop(), postgres.stop()]);
    },
  };
}

const basket = basketWith();
const add = (basketId) => new AddItems({ ...data, basketId });
const idOf = (kind, i) => `${kind}${i % aggregates}`;
const concurrencies = Object.entries(commandsAt).map(([inFlight, count]) => [Number(inFlight), count]);

/** Fills streams, so that what is measured is not the first append. */
const fill = (store, kind, events) =>
  throughput(aggregates, 64, (i) =>
    store.streams.append(
      `basket-${idOf(kind, i)}`,
      Array.from({ length: events }, () => ({ id: randomUUID(), event: { type: 'ItemsAdded', data }, metadata: {} })),
      'any',
    ),
  );

function againstBare({ store, uncached, client }) {
  let filled;
  const bare = (inFlight, count) => () =>
    throughput(count, inFlight, (i) =>
      client.appendToStream(
        `bare-${i % aggregates}`,
        jsonEvent({
          id: randomUUID(),
          type: 'ItemsAdded',
          data: { ...data, basketId: 'b' },
          metadata: { $causationId: 'b' },
        }),
      ),
    );
  const warm = ([inFlight, count]) => ({
    work: `commands, warm cache, ${inFlight} in flight`,
    unit: 'commands/s',
    prepare: () => throughput(aggregates, 64, (i) => store.execute(basket, add(idOf('warm', i)))),
    ours: () => throughput(count, inFlight, (i) => store.execute(basket, add(idOf('warm', i)))),
    peer: bare(inFlight, count),
    peerName: 'bare append',
    goal: goals.bareWarm,
  });
  const cold = ([inFlight, count]) => ({
    work: `commands, no cache, streams of 10 events and more, ${inFlight} in flight`,
    unit: 'commands/s',
    prepare: () => (filled ??= fill(uncached, 'cold', 10)),
    ours: () => throughput(count / 4, inFlight, (i) => uncached.execute(basket, add(idOf('cold', i)))),
    peer: bare(inFlight, count),
    peerName: 'bare append',
    goal: goals.bareCold,
  });
  return [...concurrencies.map(warm), ...concurrencies.map(cold)];
}

function againstEmmett({ store, emmett }) {
  const handle = CommandHandler(emmettBasket);
  const theirs = (i) => {
    const id = `emmett-${i % aggregates}`;
    return handle(emmett, id, emmettBasket.decide(id));
  };
  return concurrencies.map(([inFlight, count]) => ({
    work: `commands over ${aggregates} aggregates, ${inFlight} in flight`,
    unit: 'commands/s',
    ours: () => throughput(count, inFlight, (i) => store.execute(basket, add(idOf('emmett', i)))),
    peer: () => throughput(Math.ceil(count / 4), inFlight, theirs),
    peerName: 'Emmett on Postgres',
    ...(inFlight === 64 && { goal: goals.emmett }),
  }));
}

/** What the cache and snapshots are worth: one command on an aggregate with so many events. */
function streamLengths({ store, uncached }) {
  const snapshotting = basketWith({ snapshots: { every: 100, version: 1 } });
  const repeat = 10;
  return [10, 1_000, 20_000].flatMap((length) => {
    const plain = `long${length}-${randomUUID()}`;
    const snapshot = `short${length}-${randomUUID()}`;
    const prepare = async () => {
      for (const id of [plain, snapshot])
        for (let left = length; left > 0; left -= 1_000)
          await uncached.streams.append(
            `basket-${id}`,
            Array.from({ length: Math.min(left, 1_000) }, () => ({
              id: randomUUID(),
              event: { type: 'ItemsAdded', data },
              metadata: {},
            })),
            'any',
          );
      await store.execute(basket, add(plain));
      await uncached.execute(snapshotting, add(snapshot));
    };
    const each = async (run) =>
      (await milliseconds(async () => {
        for (let i = 0; i < repeat; i++) await run();
      })) / repeat;
    const whole = () => each(() => uncached.execute(basket, add(plain)));
    return [
      {
        work: `one command, stream of ${length}, snapshot`,
        unit: 'ms',
        better: 'lower',
        prepare,
        ours: () => each(() => uncached.execute(snapshotting, add(snapshot))),
        peer: whole,
        peerName: 'whole stream',
      },
      {
        work: `one command, stream of ${length}, cache`,
        unit: 'ms',
        better: 'lower',
        ours: async () => {
          await store.execute(basket, add(plain));
          return each(() => store.execute(basket, add(plain)));
        },
        peer: whole,
        peerName: 'whole stream',
      },
    ];
  });
}
