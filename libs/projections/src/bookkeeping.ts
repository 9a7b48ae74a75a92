/**
 * What the engine itself keeps in a context's database, in the schema `annals`.
 *
 *   read_model        one row per name and version of the code: which build its view shows
 *   read_model_build  one row per table that was ever begun: building -> serving -> kept (for a rollback) -> dropped
 *   read_model_checkpoint  one row per build and partition. `epoch` grows whenever somebody takes the build over or
 *                     changes it from outside; a write with an older epoch changes nothing (fencing)
 *   parked_event      events that wait, per build and scope, in the order of `id`
 *   checkpoint        positions of other consumers (publishers, sagas)
 */
import type pg from 'pg';

const ddl = `
create schema if not exists annals;
create table if not exists annals.read_model (
  name text not null,
  version integer not null,
  serving_build integer,
  previous_build integer,
  paused boolean not null default false,
  rolled_back boolean not null default false,
  primary key (name, version)
);
create table if not exists annals.read_model_build (
  name text not null,
  build integer not null,
  version integer not null,
  partitions integer not null,
  table_schema text not null,
  table_name text not null,
  fingerprint text not null,
  state text not null check (state in ('building', 'serving', 'kept', 'shadow')),
  started_by text not null,
  started_at timestamptz not null default now(),
  finished_at timestamptz,
  primary key (name, build)
);
create table if not exists annals.read_model_checkpoint (
  name text not null,
  build integer not null,
  partition integer not null,
  position bigint not null,
  epoch bigint not null default 0,
  owner text,
  live boolean not null default false,
  events bigint not null default 0,
  rate real not null default 0,
  last_event_at timestamptz,
  moved_at timestamptz,
  watched_until timestamptz not null default '-infinity',
  error text,
  failed_at timestamptz,
  primary key (name, build, partition),
  foreign key (name, build) references annals.read_model_build on delete cascade
) with (fillfactor = 50);
create table if not exists annals.parked_event (
  id bigint generated always as identity primary key,
  name text not null,
  build integer not null,
  partition integer not null,
  scope text not null,
  event json not null,
  context json not null,
  error text,
  attempts integer not null,
  parked_at timestamptz not null default now(),
  foreign key (name, build) references annals.read_model_build on delete cascade
);
create index if not exists parked_event_scope on annals.parked_event (name, build, scope, id);
create table if not exists annals.checkpoint (
  name text primary key,
  position bigint not null,
  moved_at timestamptz not null default now()
);`;

/** Any of pg's: a pool or a connection. */
export type Queryable = Pick<pg.Pool, 'query'>;

/** Runs `work` in one transaction. */
export async function inTransaction<Result>(
  pool: pg.Pool,
  work: (tx: pg.PoolClient) => Promise<Result>,
): Promise<Result> {
  const tx = await pool.connect();
  let broken: Error | undefined;
  // The pool does not listen while a connection is lent; one that breaks between two statements would end the process.
  const onError = (error: Error) => (broken = error);
  tx.on('error', onError);
  try {
    await tx.query('begin');
    const result = await work(tx);
    await tx.query('commit');
    return result;
  } catch (error) {
    await tx.query('rollback').catch((failure: unknown) => {
      broken = failure instanceof Error ? failure : new Error(String(failure));
    });
    throw error;
  } finally {
    tx.off('error', onError);
    tx.release(broken);
  }
}

/** Creates what is missing. `create … if not exists` may fail when two do it at once, hence the lock. */
export const createBookkeeping = (pool: pg.Pool): Promise<void> =>
  inTransaction(pool, async (tx) => {
    await lockName(tx, 'bookkeeping');
    await tx.query(ddl);
  });

/**
 * Until the end of the transaction, nobody else changes the bookkeeping of `name`. It waits for the disk: rows that a crash
 * of Postgres loses are folded again, but a table or a view that it loses is missed by those who run.
 */
export const lockName = async (tx: Queryable, name: string): Promise<void> => {
  await tx.query(
    `select set_config('synchronous_commit', 'on', true), pg_advisory_xact_lock(hashtextextended($1, 0))`,
    [`annals change ${name}`],
  );
};
