/** One rebuild of a read model at a time, in whichever process: an advisory lock on a connection of its own. */
import pg from 'pg';
import type { Queryable } from '../bookkeeping.js';
import { RebuildInProgress } from '../errors.js';
import type { AnyReadModel } from '../read-model.js';

/**
 * Runs `work` with the lock; the signal that it gets is aborted when the connection is lost, and the lock with it.
 * @throws RebuildInProgress naming who has it
 */
export async function withRebuildLock<Result>(
  url: string,
  pool: Queryable,
  model: AnyReadModel,
  work: (lockLost: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const lost = new AbortController();
  const client = new pg.Client({
    connectionString: url,
    application_name: `annals rebuild ${model.name}`,
    keepAlive: true,
  });
  client.on('error', (error) => lost.abort(error));
  await client.connect();
  try {
    const { rows } = await client.query<{ got: boolean }>(
      'select pg_try_advisory_lock(hashtextextended($1, 0)) as got',
      [`annals rebuild ${model.name}`],
    );
    if (rows[0]?.got !== true) throw await refusal(pool, model);
    return await work(lost.signal);
  } finally {
    // A connection that broke has nothing to end.
    await client.end().catch(() => undefined);
  }
}

async function refusal(pool: Queryable, { name }: AnyReadModel): Promise<RebuildInProgress> {
  const { rows } = await pool.query<{ by: string; at: Date }>(
    `select started_by as by, started_at as at from annals.read_model_build
     where name = $1 and state in ('building', 'shadow') order by build desc limit 1`,
    [name],
  );
  return new RebuildInProgress(name, rows[0]?.by ?? 'another process', rows[0]?.at);
}
