/** One rebuild of a read model at a time, in whichever process: an advisory lock on a connection of its own. */
import { fullJitterMs, pause } from '@annals/core';
import pg from 'pg';
import { RebuildInProgress } from '../errors.js';
import { isOutage } from '../postgres-errors.js';
import type { ReadDatabase } from '../read-database.js';
import type { AnyReadModel } from '../read-model.js';

const backoff = { firstMs: 100, maxMs: 2_000 };
/** How long Postgres may hold the lock for a connection of ours that broke. */
const ownLockGoneWithinMs = 15_000;

/**
 * Runs `work` with the lock. When the connection is lost, and the lock with it, the signal that `work` got is aborted; then
 * `work` runs again, with the lock taken anew, so it has to go on from what it finds.
 * @param giveUp aborted: no further run
 * @throws RebuildInProgress naming who has it
 */
export async function withRebuildLock<Result>(
  database: ReadDatabase,
  model: AnyReadModel,
  giveUp: AbortSignal,
  work: (lockLost: AbortSignal) => Promise<Result>,
): Promise<Result> {
  let begun = false;
  let lostAt = -Infinity;
  const run = (lockLost: AbortSignal) => {
    begun = true;
    return work(lockLost);
  };
  for (let attempt = 1; ; attempt++) {
    const lost = new AbortController();
    try {
      return await lockAndRun(database, model, lost, run);
    } catch (error) {
      // An outage may be met elsewhere before this connection hears of it.
      const outage = begun && (lost.signal.aborted || isOutage(error));
      if (outage) lostAt = performance.now();
      const mayBeOurs = error instanceof RebuildInProgress && performance.now() - lostAt < ownLockGoneWithinMs;
      if (giveUp.aborted || !(outage || mayBeOurs)) throw error;
      await pause(fullJitterMs(attempt, backoff), giveUp);
    }
  }
}

async function lockAndRun<Result>(
  database: ReadDatabase,
  model: AnyReadModel,
  lost: AbortController,
  work: (lockLost: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client({
    connectionString: database.url,
    application_name: `annals rebuild ${model.name}`.slice(0, 63),
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
    options: '-c tcp_keepalives_idle=2 -c tcp_keepalives_interval=1 -c tcp_keepalives_count=2',
  });
  client.on('error', (error) => lost.abort(error));
  try {
    await client.connect();
    const { rows } = await client.query<{ got: boolean }>(
      'select pg_try_advisory_lock(hashtextextended($1, 0)) as got',
      [`annals rebuild ${model.name}`],
    );
    if (rows[0]?.got !== true) throw await refusal(client, model);
    return await work(lost.signal);
  } finally {
    // A connection that broke has nothing to end.
    await client.end().catch(() => undefined);
  }
}

async function refusal(client: pg.Client, { name }: AnyReadModel): Promise<RebuildInProgress> {
  const { rows } = await client.query<{ by: string; at: Date }>(
    `select started_by as by, started_at as at from annals.read_model_build
     where name = $1 and state in ('building', 'shadow') order by build desc limit 1`,
    [name],
  );
  return new RebuildInProgress(name, rows[0]?.by ?? 'another process', rows[0]?.at);
}
