/** A read model on its own: its rows after some events, without an app, a feed or a view. For specs and for looking into things. */
import type { DomainEvent } from '@annals/core';
import type { RecordedEvent } from '@annals/event-store';
import { createBookkeeping, inTransaction, lockName } from './bookkeeping.js';
import { BuildWriter } from './building/build-writer.js';
import { createBuild, dropBuild, thisProcess, type Build } from './building/builds.js';
import { FeedPump } from './building/feed-pump.js';
import { quoted } from './postgres-errors.js';
import type { ReadDatabase } from './read-database.js';
import type { ReadModel } from './read-model.js';
import { RowCache } from './rows/row-cache.js';
import { RowFold, type ParkedEvent, type RetryPolicy } from './rows/row-fold.js';
import { rowShape, type Row, type RowShape } from './rows/row-shape.js';

const once: RetryPolicy = { attempts: 1, backoff: { firstMs: 0, maxMs: 0 } };

/**
 * The rows after these events, ordered by primary key, as a query would give them; nothing is stored.
 * @throws what a handler throws; InvalidRow for a row that the table cannot hold
 */
export async function foldInMemory<Entity extends object, E extends DomainEvent>(
  model: ReadModel<Entity, E>,
  events: readonly RecordedEvent<E>[],
): Promise<Entity[]> {
  const shape = await rowShape(model);
  const rows = new Map<string, Row>();
  const fold = new RowFold({
    ...{ model, shape, retry: once },
    accepts: () => true,
    cache: new RowCache(Infinity, true),
    parkedScopes: new Set(),
    load: () => Promise.resolve(rows),
    onParked: (parked) => fail(parked),
  });
  await fold.fold(events);
  return sorted(shape, fold.takeChanges().upserts) as Entity[];
}

/**
 * The same through a table of a real database, in commits of `eventsPerCommit`; the table is dropped afterwards. Runs
 * `sql` handlers too.
 * @throws what a handler throws; InvalidRow; errors of Postgres
 */
export async function foldInPostgres<Entity extends object, E extends DomainEvent>(
  database: ReadDatabase,
  model: ReadModel<Entity, E>,
  events: readonly RecordedEvent<E>[],
  eventsPerCommit = 1,
): Promise<Entity[]> {
  const shape = await rowShape(model);
  await createBookkeeping(database.pool);
  const build = await inTransaction(database.pool, async (tx) => {
    await lockName(tx, model.name);
    return createBuild(tx, database.url, model, shape, 'shadow');
  });
  try {
    await write(database, model, shape, build, events, eventsPerCommit);
    const { rows } = await database.pool.query<Record<string, unknown>>(
      `select * from ${quoted(build.tableSchema)}.${quoted(build.tableName)}`,
    );
    return sorted(
      shape,
      rows.map((record) => shape.fromDatabase(record).row),
    ) as Entity[];
  } finally {
    await inTransaction(database.pool, (tx) => dropBuild(tx, build));
  }
}

async function write(
  { pool }: ReadDatabase,
  model: ReadModel,
  shape: RowShape,
  build: Build,
  events: readonly RecordedEvent[],
  eventsPerCommit: number,
): Promise<void> {
  const options = { db: pool, model, shape, build, partition: 0, owner: thisProcess, retry: once, cachedRows: 0 };
  for (let from = 0; from < events.length; from += eventsPerCommit) {
    const batch = events.slice(from, from + eventsPerCommit);
    // A new writer for each commit remembers nothing, so every row is loaded as it was stored.
    const writer = await BuildWriter.open({ ...options, onParked: (parked) => fail(parked) });
    const pump = new FeedPump({ model, writer, policy: { changedRows: 1, events: 1, afterMs: 0 } });
    await pump.take({ events: batch, position: batch.at(-1)?.at.position ?? writer.position, live: false }, true);
  }
}

function fail({ cause, recorded }: ParkedEvent): never {
  if (cause instanceof Error) throw cause;
  throw new Error(`A handler of ${recorded.event.type} threw ${String(cause)}`);
}

const sorted = (shape: RowShape, rows: readonly Row[]): Row[] =>
  [...rows].sort((one, other) => (shape.idOf(one) < shape.idOf(other) ? -1 : 1));
