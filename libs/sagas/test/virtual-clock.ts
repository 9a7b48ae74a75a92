/** A clock that stands still until it is moved. */
import type { Clock } from '../src/clock.js';

export class VirtualClock implements Clock {
  private readonly sleepers = new Set<{ readonly until: number; readonly wake: () => void }>();

  constructor(private time = Date.parse('2026-01-01T00:00:00.000Z')) {}

  now(): Date {
    return new Date(this.time);
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (ms <= 0 || signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        this.sleepers.delete(sleeper);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      const sleeper = { until: this.time + ms, wake };
      this.sleepers.add(sleeper);
      signal?.addEventListener('abort', wake, { once: true });
    });
  }

  advance(ms: number): void {
    this.time += ms;
    for (const { until, wake } of [...this.sleepers]) if (until <= this.time) wake();
  }
}

const patienceMs = 10_000;

/** Lets everything that is ready run until `condition` holds; virtual time stands still meanwhile. */
export async function until(condition: () => boolean | Promise<boolean>, what = 'the condition'): Promise<void> {
  const giveUpAt = performance.now() + patienceMs;
  while (performance.now() < giveUpAt) {
    if (await condition()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error(`Nothing more happened, but ${what} does not hold.`);
}
