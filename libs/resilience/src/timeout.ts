/** A time limit that really aborts: the work's signal is aborted, and the caller is free at once, whatever the work does. */
import { timeout, TimeoutStrategy } from 'cockatiel';
import { DependencyTimeout } from './errors.js';

/**
 * @param signal aborts the work too; the caller then gets its reason
 * @throws DependencyTimeout
 */
export async function withinTime<Result>(
  dependency: string,
  timeoutMs: number,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  signal?.throwIfAborted();
  const policy = timeout(timeoutMs, { strategy: TimeoutStrategy.Aggressive, abortOnReturn: false });
  let limit: AbortSignal | undefined;
  try {
    return await policy.execute((_, aborted) => work((limit = aborted)), signal);
  } catch (error) {
    if (limit?.aborted !== true) throw error;
    signal?.throwIfAborted();
    throw new DependencyTimeout(dependency, timeoutMs);
  }
}
