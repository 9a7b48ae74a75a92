/**
 * Builds a read model's table anew from the events, beside the one that is served, and puts it in its place (G5). Usable
 * in the app itself and in any other process: Postgres holds all there is to know, so a rebuild that was interrupted is
 * continued by whoever asks next.
 */
import { pause, type Log } from '@annals/core';
import type { EventFeed, EventStore } from '@annals/event-store';
import { inTransaction, lockName, type Queryable } from '../bookkeeping.js';
import { NothingToRollBackTo, RebuildCancelled } from '../errors.js';
import { isOutage } from '../postgres-errors.js';
import type { ReadDatabase } from '../read-database.js';
import type { AnyReadModel } from '../read-model.js';
import type { RetryPolicy } from '../rows/row-fold.js';
import type { RowShape } from '../rows/row-shape.js';
import { BuildRun } from './build-run.js';
import { buildsInState, createBuild, dropBuild, dropReadModel, findBuild, servedBuilds, type Build } from './builds.js';
import type { RebuildProgress } from './progress-meter.js';
import { withRebuildLock } from './rebuild-lock.js';
import { olderSnapshotsGone } from './snapshots.js';
import { announceChange, serveOtherVersion, swapIn } from './swap.js';

export interface RebuildOptions {
  readonly onProgress?: (progress: RebuildProgress) => void;
  /** Aborted: the rebuild is cancelled, and what it built is dropped. */
  readonly signal?: AbortSignal;
  /** Events per second at most. */
  readonly throttle?: number;
  /**
   * Drops first whatever Postgres has of the read model, all its versions, builds, parked events, so that nothing is left but
   * what the event store says. Until the rebuild is done there is nothing to query. Default false.
   */
  readonly fromScratch?: boolean;
}

export interface BuildSurroundings {
  readonly database: ReadDatabase;
  readonly feed: EventFeed;
  readonly store: EventStore;
  readonly retry: RetryPolicy;
  readonly cachedRows: number;
  readonly log: Log;
}

export interface Rebuilt {
  readonly build: number;
  readonly events: number;
  readonly position: bigint;
  /** Keys (or streams) whose events could not be folded into it. */
  readonly parkedScopes: number;
}

const outagePauseMs = 500;

/**
 * @param interrupted aborted: stop without dropping what was built; the next rebuild goes on from there
 * @throws RebuildInProgress, RebuildCancelled
 */
export function rebuild(
  surroundings: BuildSurroundings,
  model: AnyReadModel,
  shape: RowShape,
  options: RebuildOptions,
  interrupted: AbortSignal,
): Promise<Rebuilt> {
  const { database } = surroundings;
  const cancelled = options.signal ?? new AbortController().signal;
  const ended = AbortSignal.any([cancelled, interrupted]);
  let { fromScratch = false } = options;
  let begun: Build | undefined;
  return withRebuildLock(database, model, ended, async (lockLost) => {
    // The connection may have been lost after the swap was made, and before that was heard.
    const swapped = begun && (await findBuild(database.pool, model.name, begun.build));
    if (swapped?.state === 'serving') return resultOf(database, swapped);
    if (fromScratch) await forget(database, model);
    fromScratch = false;
    const build = (begun = await unfinishedOrNew(database, model, shape));
    const signal = AbortSignal.any([ended, lockLost]);
    try {
      return await finish(surroundings, model, shape, build, options, signal);
    } catch (error) {
      if (!cancelled.aborted || interrupted.aborted) throw error;
      await dropUnfinished(database, model, build);
      throw new RebuildCancelled(model.name);
    }
  });
}

/** Drops what an interrupted rebuild has left, which the next one would go on from. @throws RebuildInProgress */
export const discardUnfinished = (database: ReadDatabase, model: AnyReadModel, giveUp: AbortSignal): Promise<void> =>
  withRebuildLock(database, model, giveUp, async () => {
    for (const build of await buildsInState(database.pool, model, 'building'))
      await dropUnfinished(database, model, build);
  });

/** Unless it is served already. */
const dropUnfinished = ({ pool }: ReadDatabase, model: AnyReadModel, { build }: Build): Promise<void> =>
  inTransaction(pool, async (tx) => {
    await lockName(tx, model.name);
    const found = await findBuild(tx, model.name, build);
    if (found?.state === 'building') await dropBuild(tx, found);
  });

/**
 * Serves the build before the present one again, brought up to date first when it is of this version.
 * @throws NothingToRollBackTo, RebuildInProgress
 */
export function rollback(
  surroundings: BuildSurroundings,
  model: AnyReadModel,
  shape: RowShape,
  interrupted: AbortSignal,
): Promise<void> {
  const { database } = surroundings;
  return withRebuildLock(database, model, interrupted, async (lockLost) => {
    const served = await servedBuilds(database.pool, model);
    const previous =
      served?.previous === undefined ? undefined : await findBuild(database.pool, model.name, served.previous);
    if (!previous) throw new NothingToRollBackTo(model.name);
    if (previous.version !== model.version) return serveOtherVersion(database.pool, model, previous);
    await finish(surroundings, model, shape, previous, {}, AbortSignal.any([interrupted, lockLost]));
  });
}

const forget = ({ pool }: ReadDatabase, model: AnyReadModel): Promise<void> =>
  inTransaction(pool, async (tx) => {
    await lockName(tx, model.name);
    await dropReadModel(tx, model);
    await announceChange(tx, model.name);
  });

async function unfinishedOrNew({ pool, url }: ReadDatabase, model: AnyReadModel, shape: RowShape): Promise<Build> {
  return inTransaction(pool, async (tx) => {
    await lockName(tx, model.name);
    const unfinished = await buildsInState(tx, model, 'building');
    const usable = unfinished.find(({ fingerprint }) => fingerprint === shape.fingerprint);
    for (const other of unfinished) if (other !== usable) await dropBuild(tx, other);
    return usable ?? createBuild(tx, url, model, shape, 'building');
  });
}

async function finish(
  surroundings: BuildSurroundings,
  model: AnyReadModel,
  shape: RowShape,
  build: Build,
  options: RebuildOptions,
  signal: AbortSignal,
): Promise<Rebuilt> {
  const { pool } = surroundings.database;
  // A new build is folded whole; one that was served before has a checkpoint for each partition.
  const partitions =
    build.state === 'kept' ? Array.from({ length: build.partitions }, (_, index) => index) : [undefined];
  const runs = partitions.map((partition) => startRun(surroundings, model, shape, build, options, signal, partition));
  const [run] = runs as [BuildRun];
  try {
    await Promise.all(runs.map((each) => each.catchUp()));
    await olderSnapshotsGone(pool, signal);
    await persistently(signal, () =>
      swapIn(
        pool,
        model,
        build,
        async (atLeast) => {
          if (atLeast !== undefined) await Promise.all(runs.map((each) => each.reach(atLeast)));
          return { position: run.position, events: run.events };
        },
        signal,
      ),
    );
    return { build: build.build, events: run.events, position: run.position, ...(await parkedIn(pool, build)) };
  } finally {
    await Promise.all(runs.map((each) => each.close()));
  }
}

async function parkedIn(db: Queryable, { name, build }: Build): Promise<Pick<Rebuilt, 'parkedScopes'>> {
  const { rows } = await db.query<{ parked: number }>(
    'select count(distinct scope)::int as parked from annals.parked_event where name = $1 and build = $2',
    [name, build],
  );
  return { parkedScopes: rows[0]?.parked ?? 0 };
}

/** Of a build that is served. */
async function resultOf({ pool }: ReadDatabase, build: Build): Promise<Rebuilt> {
  const { rows } = await pool.query<{ position: string; events: string }>(
    `select min(position) as position, min(events) as events from annals.read_model_checkpoint
     where name = $1 and build = $2`,
    [build.name, build.build],
  );
  const { position = -1, events = 0 } = rows[0] ?? {};
  return { build: build.build, events: Number(events), position: BigInt(position), ...(await parkedIn(pool, build)) };
}

export function startRun(
  surroundings: BuildSurroundings,
  model: AnyReadModel,
  shape: RowShape,
  build: Build,
  { onProgress, throttle }: RebuildOptions,
  signal: AbortSignal,
  partition?: number,
): BuildRun {
  const { database, store } = surroundings;
  return new BuildRun({
    ...surroundings,
    pool: database.pool,
    ...{ model, shape, build, partition, onProgress, throttle, signal },
    estimateTotal: (done, position) => estimateTotal(database, store, model, done, position),
  });
}

/** What the served build has read is exact; without one, `done` is extrapolated from the position. */
async function estimateTotal(
  { pool }: ReadDatabase,
  store: EventStore,
  { name, version }: AnyReadModel,
  done: number,
  position: bigint,
): Promise<number> {
  const { rows } = await pool.query<{ events: string }>(
    `select c.events from annals.read_model r
     join annals.read_model_checkpoint c on c.name = r.name and c.build = r.serving_build
     where r.name = $1 and r.version = $2 order by c.partition limit 1`,
    [name, version],
  );
  const served = Number(rows[0]?.events ?? 0);
  if (served >= done) return served;
  const head = await store.streams.headPosition();
  return Math.round(done * (Number(head + 1n) / Number(position + 1n)));
}

/** Again after an outage, which may have ended the transaction in the middle. */
async function persistently(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (signal.aborted || !isOutage(error)) throw error;
      await pause(outagePauseMs, signal);
    }
  }
}
