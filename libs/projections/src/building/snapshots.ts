/** Old snapshots: transactions that would see a new table as it was while it was still being filled. */
import { pause } from '@annals/core';
import type { Queryable } from '../bookkeeping.js';

const everyMs = 50;

/**
 * Waits until every transaction of this database whose snapshot was taken before now is over, as
 * `create index concurrently` does.
 */
export async function olderSnapshotsGone(db: Queryable, signal: AbortSignal): Promise<void> {
  const { rows } = await db.query<{ now: string }>('select pg_snapshot_xmax(pg_current_snapshot())::text as now');
  const now = rows[0]?.now;
  for (;;) {
    signal.throwIfAborted();
    // `backend_xmin` has 32 bits; its age against the next id tells the order across a wrap-around.
    const { rows: older } = await db.query<{ older: boolean }>(
      `select exists (
         select from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'
           and backend_xmin is not null
           and age(backend_xmin) > pg_snapshot_xmax(pg_current_snapshot())::text::bigint - $1::bigint
       ) as older`,
      [now],
    );
    if (older[0]?.older !== true) return;
    await pause(everyMs, signal);
  }
}
