/** Tries again what may be tried again, after exponentially growing waits with full jitter, or when `Retry-After` says. */
import { pause } from '@annals/core';
import { isTransient } from './transient.js';

export interface RetrySettings {
  /** All tries together; 1: only one. */
  readonly tries: number;
  /** Bound of the wait after the first failure, in ms; the wait itself is random between 0 and the bound. */
  readonly firstMs: number;
  /** What the bound is multiplied with from wait to wait. */
  readonly factor: number;
  /** The bound never grows beyond, in ms. A `Retry-After` beyond it ends the trying. */
  readonly maxMs: number;
}

export interface RetryOptions {
  readonly signal?: AbortSignal | undefined;
  /** Is told each failure that is followed by another try. */
  readonly onRetry?: (error: unknown, waitMs: number) => void;
  /** Whether another try may help. Default: {@link isTransient}. */
  readonly worthwhile?: (error: unknown) => boolean;
  /** Waits; returns early when the signal is aborted. */
  readonly sleep?: (ms: number, signal?: AbortSignal) => Promise<void>;
}

/** @throws what the last try threw, or the signal's reason when it is aborted during a wait */
export async function retrying<Result>(
  settings: RetrySettings,
  { signal, onRetry, worthwhile = isTransient, sleep = pause }: RetryOptions,
  work: () => Promise<Result>,
): Promise<Result> {
  for (let tried = 1; ; tried++) {
    try {
      return await work();
    } catch (error) {
      const waitMs = Math.max(retryAfterOf(error), jittered(tried, settings));
      if (tried >= settings.tries || !worthwhile(error) || waitMs > settings.maxMs || signal?.aborted) throw error;
      onRetry?.(error, waitMs);
      await sleep(waitMs, signal);
      signal?.throwIfAborted();
    }
  }
}

/** "Full jitter", as core's `fullJitterMs`, with a factor of one's own. @param tried 1 for the wait after the first failure */
const jittered = (tried: number, { firstMs, factor, maxMs }: RetrySettings): number =>
  Math.random() * Math.min(maxMs, firstMs * factor ** (tried - 1));

const retryAfterOf = (error: unknown): number => {
  const { retryAfterMs } = error as { retryAfterMs?: unknown };
  return typeof retryAfterMs === 'number' ? retryAfterMs : 0;
};
