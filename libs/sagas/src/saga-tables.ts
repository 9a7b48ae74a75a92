/** The tables of this package in a context's database, created when they are first needed. */
import type { Pool } from 'pg';

// The statements of one query are one transaction. The lock is the one that everybody takes who creates what is in the
// schema `annals`: `create … if not exists` may fail when two do it at once.
const ddl = `
select pg_advisory_xact_lock(hashtextextended('annals change bookkeeping', 0));
create schema if not exists annals;
create table if not exists annals.saga_deadline (
  id uuid primary key,
  saga text not null,
  instance text not null,
  kind text not null check (kind in ('deadline', 'retry')),
  number integer not null,
  due timestamptz not null
);
create index if not exists saga_deadline_due on annals.saga_deadline (due);
create table if not exists annals.saga_instance (
  stream text primary key,
  saga text not null,
  version integer not null,
  state text not null,
  updated timestamptz not null,
  ended timestamptz,
  row jsonb not null
);
create index if not exists saga_instance_state on annals.saga_instance (saga, state, updated);
create table if not exists annals.saga_index (
  only_row boolean primary key default true check (only_row),
  position bigint not null
);`;

export class SagaTables {
  private created: Promise<unknown> | undefined;

  constructor(private readonly pool: Pool) {}

  /** The pool, once the tables are there. */
  async ready(): Promise<Pool> {
    this.created ??= this.pool.query(ddl).catch((error: unknown) => {
      this.created = undefined;
      throw error;
    });
    await this.created;
    return this.pool;
  }
}
