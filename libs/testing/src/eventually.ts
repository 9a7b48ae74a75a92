/** Waiting in tests for what other processes do: by condition and deadline, never by a fixed pause. */
import { inspect } from 'node:util';
import { setTimeout as delay } from 'node:timers/promises'; // of Node itself: fake timers do not stop it
import { NotWithin } from './errors.js';

export interface EventuallyOptions {
  /** Milliseconds until it counts as failed. Default 5,000. */
  readonly within?: number;
  /** Milliseconds between the end of a check and the next one. Default 20. */
  readonly every?: number;
}

/**
 * Calls `check` until it neither throws nor gives `false` or `null`, and returns what it gave. So a check may be
 * assertions (`expect(...)`), a condition, or a look-up of something that is still to come.
 * @throws {NotWithin} when that does not happen in time, with what the last check said
 */
export async function eventually<T>(
  check: () => T | Promise<T>,
  { within = 5_000, every = 20 }: EventuallyOptions = {},
): Promise<Exclude<T, false | null>> {
  const deadline = performance.now() + within;
  const started = new Error('waited here');
  for (let checks = 1; ; checks++) {
    const outcome = await attempt(check, deadline);
    if (outcome.done) return outcome.value as Exclude<T, false | null>;
    if (performance.now() + every > deadline) {
      const failure = new NotWithin(within, checks, outcome.reason, { cause: outcome.cause });
      failure.stack = `${failure.name}: ${failure.message}\n${started.stack?.split('\n').slice(2).join('\n') ?? ''}`;
      throw failure;
    }
    await delay(every);
  }
}

type Outcome<T> = { done: true; value: T } | { done: false; reason: string; cause?: unknown };

async function attempt<T>(check: () => T | Promise<T>, deadline: number): Promise<Outcome<T>> {
  const overdue = new AbortController();
  try {
    const late = delay(Math.max(1, deadline - performance.now()), 'late' as const, { signal: overdue.signal });
    late.catch(() => undefined); // aborted below when the check is faster
    const first = await Promise.race([Promise.resolve(check()).then((value) => ({ value })), late]);
    if (first === 'late') return { done: false, reason: 'it was still waiting for an answer' };
    if (first.value !== false && first.value !== null) return { done: true, value: first.value };
    return { done: false, reason: inspect(first.value) };
  } catch (cause) {
    return { done: false, reason: cause instanceof Error ? cause.message : inspect(cause), cause };
  } finally {
    overdue.abort();
  }
}
