/** How long to wait before another try. All times in milliseconds. */
import { setTimeout as delay } from 'node:timers/promises';

export interface Backoff {
  readonly firstMs: number;
  readonly maxMs: number;
}

/**
 * "Full jitter": anything between 0 and the exponentially growing bound, so that those who failed together do not come
 * back together. Source: Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 * @param attempt 1 for the wait after the first failure
 */
export const fullJitterMs = (attempt: number, { firstMs, maxMs }: Backoff): number =>
  Math.random() * Math.min(maxMs, firstMs * 2 ** (attempt - 1));

/** Waits, but not after `signal` is aborted: then it returns at once. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return;
  await delay(ms, undefined, signal && { signal }).catch((error: unknown) => {
    if (!signal?.aborted) throw error;
  });
}
