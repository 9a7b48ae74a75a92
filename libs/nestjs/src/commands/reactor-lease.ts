/**
 * One instance at a time runs a reactor (G10): who holds a Postgres advisory lock, which ends with the connection of its
 * holder, however that one ends.
 *
 *   ask ──taken──▶ wait ──▶ ask
 *    └──granted──▶ hold(until lost or stopped) ──▶ ask
 */
import { pause, type Log } from '@annals/core';
import pg from 'pg';

const askEveryMs = 1_000;

export interface LeaseOptions {
  readonly pool: pg.Pool;
  readonly name: string;
  readonly log: Log;
}

/** Runs `hold` whenever the lease is ours, until `signal` is aborted; its own signal is aborted when the lease is lost. */
export async function holdLease(
  { pool, name, log }: LeaseOptions,
  signal: AbortSignal,
  hold: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await holdOnce(pool, name, signal, hold);
    } catch (error) {
      log.warn(`The lease of ${name} is asked for again.`, { error });
    }
    await pause(askEveryMs, signal);
  }
}

async function holdOnce(
  pool: pg.Pool,
  name: string,
  signal: AbortSignal,
  hold: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  // A connection of its own: the pool's are for work.
  const connection = new pg.Client(pool.options);
  const lost = new AbortController();
  connection.on('error', () => lost.abort()).on('end', () => lost.abort());
  await connection.connect();
  const key = `annals reactor ${name}`;
  try {
    const { rows } = await connection.query<{ granted: boolean }>(
      'select pg_try_advisory_lock(hashtextextended($1, 0)) as granted',
      [key],
    );
    if (!rows[0]?.granted) return;
    await hold(AbortSignal.any([signal, lost.signal]));
  } finally {
    // Ends the lease too.
    if (!lost.signal.aborted) await connection.end();
  }
}
