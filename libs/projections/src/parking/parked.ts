/** What is parked (G6): look at it, try it again, or pass over it. */
import type { Log } from '@annals/core';
import type { RecordedEvent } from '@annals/event-store';
import type pg from 'pg';
import { inTransaction, type Queryable } from '../bookkeeping.js';
import { BuildWriter } from '../building/build-writer.js';
import { findBuild, servedBuilds, thisProcess, type Build } from '../building/builds.js';
import { announceChange } from '../building/swap.js';
import { NotParked } from '../errors.js';
import type { AnyReadModel } from '../read-model.js';
import { partitionOf } from '../rows/partition.js';
import { keyScope, streamScope } from '../rows/row-fold.js';
import type { RowShape } from '../rows/row-shape.js';

/** A key (or a stream) that stands still, by its first event. */
export interface ParkedKey {
  /** Of the first event; names it in `show`, `retry` and `skip`. */
  readonly id: string;
  readonly readModel: string;
  readonly key: string | undefined;
  /** Instead of the key, when the event's key could not be told. */
  readonly stream: string | undefined;
  readonly error: string;
  readonly attempts: number;
  readonly parkedAt: Date;
  /** The event, as it is in the store. */
  readonly recorded: RecordedEvent;
  /** How many later events wait behind it. */
  readonly waiting: number;
}

/** What a retry came to. */
export interface RetryOutcome {
  /** Events folded (skipped ones are not). */
  readonly applied: number;
  /** Events still parked of those that were tried. */
  readonly stillParked: number;
}

export interface ParkingSurroundings {
  readonly pool: pg.Pool;
  readonly log: Log;
}

interface ParkedRow {
  readonly id: string;
  readonly scope: string;
  readonly partition: number;
  readonly event: RecordedEvent['event'];
  readonly context: Record<string, unknown> & { position: string; created: string };
  readonly error: string | null;
  readonly attempts: number;
  readonly parkedAt: Date;
  readonly waiting: number;
}

const columns = `p.id, p.scope, p.partition, p.event, p.context, p.error, p.attempts, p.parked_at as "parkedAt",
  count(*) over (partition by p.scope, p.partition)::int - 1 as waiting,
  row_number() over (partition by p.scope, p.partition order by p.id) as place`;

/** The first event of each key that stands still, the oldest first. */
export async function listParked(db: Queryable, model: AnyReadModel): Promise<ParkedKey[]> {
  const { rows } = await db.query<ParkedRow>(
    `select * from (select ${columns} from annals.parked_event p
       join annals.read_model r on r.name = p.name and r.serving_build = p.build
       where r.name = $1 and r.version = $2) parked where place = 1 order by id`,
    [model.name, model.version],
  );
  return rows.map((row) => toParkedKey(model.name, row));
}

/** All events that stand with the one of this id, in order. @throws NotParked */
export async function showParked(
  db: Queryable,
  model: AnyReadModel,
  id: string,
): Promise<{ head: ParkedKey; behind: RecordedEvent[] }> {
  const rows = await scopeOf(db, model, id);
  const [first, ...others] = rows;
  if (!first) throw new NotParked(model.name, id);
  return { head: toParkedKey(model.name, first), behind: others.map(toRecorded) };
}

/**
 * Folds the key's parked events again, in order, up to the first that fails again.
 * @param skip the event of this id is passed over for good: the row will never reflect it
 * @throws NotParked
 */
export function retryParked(
  { pool, log }: ParkingSurroundings,
  model: AnyReadModel,
  shape: RowShape,
  id: string,
  skip: boolean,
): Promise<RetryOutcome> {
  return inTransaction(pool, async (tx) => {
    const build = await servedBuild(tx, model);
    const found = await scopeOf(tx, model, id);
    const [first] = found;
    if (!build || !first) throw new NotParked(model.name, id);
    // Stops the owner: whatever it folds behind our back is fenced, and it begins again with what we leave.
    await tx.query(
      `update annals.read_model_checkpoint set epoch = epoch + 1 where name = $1 and build = $2 and partition = $3`,
      [build.name, build.build, first.partition],
    );
    const parked = await scopeOf(tx, model, id);
    if (parked.length === 0) throw new NotParked(model.name, id);
    await tx.query('delete from annals.parked_event where id = any($1)', [parked.map((row) => row.id)]);
    const events = parked.filter((row) => !skip || row.id !== id).map(toRecorded);
    const writer = await openWriter(tx, model, shape, build, first, log);
    const stillParked = await writer.again(events);
    await announceChange(tx, model.name);
    return { applied: events.length - stillParked, stillParked };
  });
}

function openWriter(
  tx: pg.PoolClient,
  model: AnyReadModel,
  shape: RowShape,
  build: Build,
  { scope, partition }: ParkedRow,
  log: Log,
): Promise<BuildWriter> {
  const key = keyOf(scope);
  return BuildWriter.open({
    db: tx,
    ...{ model, shape, build, partition },
    accepts: (id) => (key === undefined ? partitionOf(id, build.partitions) === partition : id === key),
    owner: thisProcess,
    retry: { attempts: 1, backoff: { firstMs: 0, maxMs: 0 } },
    cachedRows: 1_000,
    onParked: ({ recorded, error }) =>
      log.warn(`${model.name}: still cannot be folded: ${error}`, { scope, eventId: recorded.at.id }),
  });
}

async function servedBuild(db: Queryable, model: AnyReadModel): Promise<Build | undefined> {
  const served = await servedBuilds(db, model);
  return served?.serving === undefined ? undefined : findBuild(db, model.name, served.serving);
}

async function scopeOf(db: Queryable, model: AnyReadModel, id: string): Promise<ParkedRow[]> {
  const { rows } = await db.query<ParkedRow>(
    `select ${columns} from annals.parked_event p
     join annals.parked_event named on named.id = $3 and named.name = p.name and named.build = p.build
       and named.scope = p.scope and named.partition = p.partition
     join annals.read_model r on r.name = p.name and r.serving_build = p.build
     where r.name = $1 and r.version = $2 order by p.id`,
    [model.name, model.version, /^\d{1,18}$/.test(id) ? id : -1],
  );
  return rows;
}

const keyOf = (scope: string): string | undefined =>
  scope.startsWith(keyScope('')) ? scope.slice(keyScope('').length) : undefined;

function toParkedKey(readModel: string, row: ParkedRow): ParkedKey {
  const key = keyOf(row.scope);
  return {
    ...{ id: row.id, readModel, key },
    stream: key === undefined ? row.scope.slice(streamScope('').length) : undefined,
    ...{ error: row.error ?? '', attempts: row.attempts, parkedAt: row.parkedAt, waiting: row.waiting },
    recorded: toRecorded(row),
  };
}

const toRecorded = ({ event, context }: ParkedRow): RecordedEvent => ({
  event,
  at: {
    ...(context as unknown as RecordedEvent['at']),
    position: BigInt(context.position),
    created: new Date(context.created),
  },
});
