/**
 * Fires deadlines at their time. Sleeps until the next one that it knows of, but never long: a deadline may have been
 * stored by another process, and a clock may have been set.
 */
import { fullJitterMs, type Backoff, type Log } from '@annals/core';
import type { Clock } from './clock.js';
import type { DeadlineStore, StoredDeadline } from './deadline-store.js';

const longestSleepMs = 500;
const atOnce = 100;
const backoff: Backoff = { firstMs: 100, maxMs: 2_000 };

export interface AlarmPorts {
  readonly deadlines: DeadlineStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly sagas: readonly string[];
  /** Delivers it for good; a rejection has it fired again. */
  fire(deadline: StoredDeadline): Promise<void>;
}

export class DeadlineAlarm {
  private readonly stopping = new AbortController();
  private sleeping = new AbortController();
  private wakeAt = Infinity;
  private running: Promise<void> | undefined;
  private failing: string | undefined;

  constructor(private readonly ports: AlarmPorts) {}

  /** Why deadlines cannot be fired at present; undefined when they can. */
  get problem(): string | undefined {
    return this.failing;
  }

  start(): void {
    this.running ??= this.run();
  }

  /** Says that a deadline was stored; wakes the alarm when it is an earlier one. */
  set(due: Date): void {
    if (due.getTime() < this.wakeAt) this.sleeping.abort();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.sleeping.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    for (let failures = 0; !this.stopping.signal.aborted;) {
      // Renewed before looking, so that what is stored while looking is not slept over.
      this.sleeping = new AbortController();
      this.wakeAt = Infinity;
      try {
        const fired = await this.fireDue();
        failures = 0;
        this.failing = undefined;
        if (fired < atOnce) await this.sleepUntilNext();
      } catch (error) {
        this.failing = String(error);
        this.ports.log.warn('Deadlines of sagas could not be fired; it is tried again.', { error: String(error) });
        await this.ports.clock.sleep(fullJitterMs(++failures, backoff), this.stopping.signal);
      }
    }
  }

  private async fireDue(): Promise<number> {
    const { deadlines, clock, sagas } = this.ports;
    const due = await deadlines.due(sagas, clock.now(), atOnce);
    const results = await Promise.allSettled(due.map((deadline) => this.ports.fire(deadline)));
    const fired = due.filter((_, index) => results[index]?.status === 'fulfilled');
    if (fired.length > 0)
      await deadlines.save(
        [],
        fired.map(({ id }) => id),
      );
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
    return due.length;
  }

  private async sleepUntilNext(): Promise<void> {
    const { deadlines, clock, sagas } = this.ports;
    const next = (await deadlines.next(sagas))?.getTime() ?? Infinity;
    const now = clock.now().getTime();
    this.wakeAt = Math.min(next, now + longestSleepMs);
    if (this.wakeAt > now && !this.stopping.signal.aborted) await clock.sleep(this.wakeAt - now, this.sleeping.signal);
  }
}
