/** The newest events of a feed, bounded in number; readers wait here for more. */
import { beginning, type RecordedEvent } from './recorded-event.js';

const capacity = 8_192;

export class EventWindow {
  private readonly events: RecordedEvent[] = [];
  private low: bigint | undefined;
  private waiting: (() => void)[] = [];

  get started(): boolean {
    return this.low !== undefined;
  }

  /** Position that everything in the window comes after; undefined until it is known. */
  get start(): bigint | undefined {
    return this.low;
  }

  /** Position of the newest event, or where the window began when it has none yet. */
  get end(): bigint {
    return this.events.at(-1)?.at.position ?? this.low ?? beginning;
  }

  startAfter(position: bigint): void {
    this.low = position;
    this.wake();
  }

  push(events: readonly RecordedEvent[]): void {
    for (const event of events) if (event.at.position > this.end) this.events.push(event);
    // Trimmed rarely and by half, so that an event costs constant time on average.
    if (this.events.length > 2 * capacity) {
      const dropped = this.events.splice(0, this.events.length - capacity);
      this.low = dropped.at(-1)?.at.position ?? this.low;
    }
    this.wake();
  }

  /** Whether the window can tell what comes after `position`. */
  covers(position: bigint): boolean {
    return this.low !== undefined && position >= this.low;
  }

  /** Up to `max` events after `position`, which must be covered. */
  after(position: bigint, max: number): RecordedEvent[] {
    const from = this.firstAfter(position);
    return this.events.slice(from, from + max);
  }

  /** Settles when something changed: events came, the window began, or {@link wake} was called. */
  changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const done = () => {
        signal.removeEventListener('abort', done);
        resolve();
      };
      signal.addEventListener('abort', done, { once: true });
      this.waiting.push(done);
    });
  }

  wake(): void {
    const waiting = this.waiting;
    this.waiting = [];
    for (const resolve of waiting) resolve();
  }

  private firstAfter(position: bigint): number {
    let low = 0;
    let high = this.events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.events[middle]?.at.position ?? beginning) <= position) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
