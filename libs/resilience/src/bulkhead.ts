/**
 * At most so many calls at once, and a bounded queue before them, first come first served. One slow dependency then holds
 * a bounded share of this process, and whoever finds no room hears it at once. Who gives up waiting leaves the queue, and
 * takes no room in it any more (cockatiel's bulkhead keeps them, and may then stop serving: docs/adr/0060).
 */
import { BulkheadFull } from './errors.js';

export interface BulkheadSettings {
  /** Calls at once. */
  readonly limit: number;
  /** Calls that may wait. */
  readonly queue: number;
}

export class Bulkhead {
  private active = 0;
  private readonly waiting = new Set<() => void>();

  constructor(
    readonly dependency: string,
    private readonly settings: BulkheadSettings,
  ) {}

  get running(): number {
    return this.active;
  }

  get queued(): number {
    return this.waiting.size;
  }

  /** Takes a place if there is one free; whoever gets `true` must `leave()` once. */
  tryEnter(): boolean {
    if (this.active >= this.settings.limit) return false;
    this.active++;
    return true;
  }

  /**
   * Waits for a place if there is room to wait; whoever gets it must `leave()` once.
   * @param withinMs gives up waiting after that
   * @throws BulkheadFull at once when there is no room, and when the time is over; the reason of `signal` when that is aborted
   */
  enter(signal?: AbortSignal, withinMs?: number): Promise<void> {
    if (signal?.aborted) return Promise.reject(reasonOf(signal));
    if (this.tryEnter()) return Promise.resolve();
    if (this.waiting.size >= this.settings.queue) return Promise.reject(this.full());
    // By hand, and not by AbortSignal.any and timeout: under load this is the way of most calls, and those cost many times more.
    return new Promise((resolve, reject) => {
      const settle = () => {
        clearTimeout(overdue);
        signal?.removeEventListener('abort', givenUp);
      };
      const taken = () => {
        settle();
        resolve();
      };
      const leave = (reason: Error) => {
        settle();
        this.waiting.delete(taken);
        reject(reason);
      };
      const givenUp = () => leave(signal ? reasonOf(signal) : this.full());
      const overdue = withinMs === undefined ? undefined : setTimeout(() => leave(this.full()), withinMs);
      this.waiting.add(taken);
      signal?.addEventListener('abort', givenUp, { once: true });
    });
  }

  full(): BulkheadFull {
    return new BulkheadFull(this.dependency, this.settings.limit, this.settings.queue);
  }

  /** Gives the place to the first who waits, else back. */
  leave(): void {
    const [next] = this.waiting;
    if (next === undefined) {
      this.active--;
      return;
    }
    this.waiting.delete(next);
    next();
  }
}

const reasonOf = ({ reason }: AbortSignal): Error => (reason instanceof Error ? reason : new Error(String(reason)));
