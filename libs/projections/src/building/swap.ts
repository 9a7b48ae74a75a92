/**
 * Puts a finished build in the place of the one that is served, in one transaction: view, bookkeeping, fences.
 *
 * Why queries are not disturbed: a statement looks the view's name up again after it waited for its lock, and takes its
 * snapshot after it has all locks, so it sees the old build or the new one, whole. To change the view its lock is needed,
 * and while one waits for a lock, new queries wait behind it; hence it is asked for only briefly, again and again, so that
 * one long query does not hold up the short ones. A transaction with an older snapshot (repeatable read) could see the
 * new table as it was half built; hence the swap first waits for those that began before the build was complete.
 */
import { fullJitterMs, pause } from '@annals/core';
import type pg from 'pg';
import { inTransaction, lockName, type Queryable } from '../bookkeeping.js';
import { isLockTimeout, quoted } from '../postgres-errors.js';
import { viewSchema } from '../read-database.js';
import type { AnyReadModel } from '../read-model.js';
import { partitionOf } from '../rows/partition.js';
import { keyScope } from '../rows/row-fold.js';
import { controlChannel } from '../running/session.js';
import { createCheckpoints, dropBuild, findBuild, servedBuilds, showBuild, type Build } from './builds.js';

const lockTimeoutMs = 100;
const backoff = { firstMs: 50, maxMs: 1_000 };

/** Positions of the served build's partitions; none: nothing is served yet. */
export type HeldPositions = readonly bigint[];

/**
 * @param complete brings the build to at least the given position. Meanwhile the served build stands still, so it has to be quick.
 * @param signal gives up between two attempts
 */
export async function swapIn(
  pool: pg.Pool,
  model: AnyReadModel,
  build: Build,
  complete: (atLeast: bigint | undefined) => Promise<{ position: bigint; events: number }>,
  signal: AbortSignal,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted();
    try {
      return await inTransaction(pool, async (tx) => {
        await tx.query('set local synchronous_commit = on');
        await lockName(tx, model.name);
        const held = await holdServed(tx, model);
        const reached = await complete(held.length > 0 ? max(held) : undefined);
        await tx.query(`set local lock_timeout = ${lockTimeoutMs}`);
        await serve(tx, model, build, reached.position, reached.events);
      });
    } catch (error) {
      if (!isLockTimeout(error)) throw error;
      await pause(fullJitterMs(attempt, backoff), signal);
    }
  }
}

/** Stops the owners of the served build, until the end of the transaction, by holding their checkpoints. */
export async function holdServed(tx: Queryable, { name, version }: AnyReadModel): Promise<HeldPositions> {
  const { rows } = await tx.query<{ position: string }>(
    `select c.position from annals.read_model_checkpoint c
     join annals.read_model r on r.name = c.name and r.serving_build = c.build
     join annals.read_model_build b on b.name = r.name and b.build = r.serving_build
     where r.name = $1 and r.version = $2 and b.version = r.version
     order by c.partition for update of c`,
    [name, version],
  );
  return rows.map(({ position }) => BigInt(position));
}

async function serve(
  tx: pg.PoolClient,
  model: AnyReadModel,
  build: Build,
  position: bigint,
  events: number,
): Promise<void> {
  const served = await servedBuilds(tx, model);
  if (build.state === 'building') {
    await tx.query('delete from annals.read_model_checkpoint where name = $1 and build = $2', [
      build.name,
      build.build,
    ]);
    await createCheckpoints(tx, build.name, build.build, build.partitions, position, events);
    await repartitionParked(tx, build);
  }
  await tx.query(
    `insert into annals.read_model (name, version, serving_build) values ($1, $2, $3)
     on conflict (name, version) do update
     set serving_build = $3, previous_build = annals.read_model.serving_build, rolled_back = false`,
    [model.name, model.version, build.build],
  );
  await tx.query(
    `update annals.read_model_build set state = 'serving', finished_at = now() where name = $1 and build = $2`,
    [build.name, build.build],
  );
  await showBuild(tx, model, build);
  if (served?.serving !== undefined) await keep(tx, model, served.serving);
  await dropForgotten(tx, model);
  await announceChange(tx, model.name);
}

/** While a build is made, one reader folds all of it; from now on each partition has its own, and what it parked. */
async function repartitionParked(tx: Queryable, { name, build, partitions }: Build): Promise<void> {
  if (partitions === 1) return;
  const { rows } = await tx.query<{ scope: string }>(
    'select distinct scope from annals.parked_event where name = $1 and build = $2',
    [name, build],
  );
  const keyPrefix = keyScope('');
  for (const { scope } of rows) {
    if (scope.startsWith(keyPrefix)) {
      const partition = partitionOf(scope.slice(keyPrefix.length), partitions);
      await tx.query('update annals.parked_event set partition = $4 where name = $1 and build = $2 and scope = $3', [
        ...[name, build, scope],
        partition,
      ]);
    } else {
      // Events whose keys could not be told: each partition may have to fold them.
      await tx.query(
        `insert into annals.parked_event (name, build, partition, scope, event, context, error, attempts, parked_at)
         select name, build, other, scope, event, context, error, attempts, parked_at
         from annals.parked_event, generate_series(1, $4::integer - 1) other
         where name = $1 and build = $2 and scope = $3 order by id`,
        [name, build, scope, partitions],
      );
    }
  }
}

/** Fences whoever still writes to the build, and keeps it for a rollback. */
async function keep(tx: Queryable, { name, version }: AnyReadModel, build: number): Promise<void> {
  await tx.query(`update annals.read_model_build set state = 'kept' where name = $1 and build = $2 and version = $3`, [
    name,
    build,
    version,
  ]);
  await tx.query(
    `update annals.read_model_checkpoint c set epoch = epoch + 1, live = false from annals.read_model_build b
     where c.name = $1 and c.build = $2 and b.name = c.name and b.build = c.build and b.version = $3`,
    [name, build, version],
  );
}

/** Drops what nobody can go back to: versions before the last one, and builds that no version serves or keeps. */
async function dropForgotten(tx: Queryable, { name, version }: AnyReadModel): Promise<void> {
  const old = await tx.query<{ version: number }>(
    `delete from annals.read_model where name = $1 and version < (
       select max(version) from annals.read_model where name = $1 and version < $2) returning version`,
    [name, version],
  );
  for (const row of old.rows)
    await tx.query(`drop schema if exists ${quoted(viewSchema({ name, version: row.version }))} cascade`);
  const { rows } = await tx.query<{ build: number }>(
    `select b.build from annals.read_model_build b
     where b.name = $1 and (
       (b.version <= $2 and b.state in ('kept', 'serving') and not exists (
         select from annals.read_model r where r.name = b.name and b.build in (r.serving_build, r.previous_build)))
       or (b.version < $2 and not exists (
         select from annals.read_model r where r.name = b.name and r.version = b.version)
         and not exists (select from annals.read_model r where r.name = b.name and b.build in (r.serving_build, r.previous_build))))`,
    [name, version],
  );
  for (const { build } of rows) {
    const found = await findBuild(tx, name, build);
    if (found) await dropBuild(tx, found);
  }
}

/** Tells all instances to look again at what is served. */
export const announceChange = async (tx: Queryable, name: string): Promise<void> => {
  await tx.query('select pg_notify($1, $2)', [controlChannel, name]);
};

export const max = (positions: readonly bigint[]): bigint =>
  positions.reduce((greatest, each) => (each > greatest ? each : greatest));

/** Shows another version's build in this version's view, as it is; this version's own build is kept, and not folded on. */
export const serveOtherVersion = (pool: pg.Pool, model: AnyReadModel, other: Build): Promise<void> =>
  inTransaction(pool, async (tx) => {
    await tx.query('set local synchronous_commit = on');
    await lockName(tx, model.name);
    const served = await servedBuilds(tx, model);
    const own = served?.serving === undefined ? undefined : await findBuild(tx, model.name, served.serving);
    await tx.query(
      `update annals.read_model set serving_build = $3, previous_build = serving_build, rolled_back = true
       where name = $1 and version = $2`,
      [model.name, model.version, other.build],
    );
    if (own) await keep(tx, model, own.build);
    await showBuild(tx, model, other, own ?? other);
    await announceChange(tx, model.name);
  });
