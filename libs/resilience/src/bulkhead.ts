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
   * @throws BulkheadFull at once when there is none; the reason of `signal` when that is aborted meanwhile
   */
  enter(signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(reasonOf(signal));
    if (this.tryEnter()) return Promise.resolve();
    if (this.waiting.size >= this.settings.queue)
      return Promise.reject(new BulkheadFull(this.dependency, this.settings.limit, this.settings.queue));
    return new Promise((resolve, reject) => {
      const taken = () => {
        signal?.removeEventListener('abort', givenUp);
        resolve();
      };
      const givenUp = () => {
        this.waiting.delete(taken);
        reject(signal ? reasonOf(signal) : new DOMException('Aborted', 'AbortError'));
      };
      this.waiting.add(taken);
      signal?.addEventListener('abort', givenUp, { once: true });
    });
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
