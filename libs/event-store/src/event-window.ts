/** The newest events of a feed, bounded in number; readers wait here for more. */
import { countWithin, sizeOf } from './event-sizes.js';
import { beginning, type RecordedEvent } from './recorded-event.js';

const capacity = { events: 8_192, bytes: 64 * 1024 * 1024 };

export class EventWindow {
  private readonly events: RecordedEvent[] = [];
  private bytes = 0;
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
    for (const event of events) {
      if (event.at.position <= this.end) continue;
      this.events.push(event);
      this.bytes += sizeOf(event);
    }
    // Trimmed rarely and by half, so that an event costs constant time on average.
    if (this.events.length > 2 * capacity.events || this.bytes > 2 * capacity.bytes) this.trim();
    this.wake();
  }

  /** Whether the window can tell what comes after `position`. */
  covers(position: bigint): boolean {
    return this.low !== undefined && position >= this.low;
  }

  /** Up to `max` events after `position`, which must be covered; fewer when they are larger than `bytes`, but one at least. */
  after(position: bigint, max: number, bytes: number): RecordedEvent[] {
    const from = this.firstAfter(position);
    return this.events.slice(from, from + countWithin(this.events, from, max, bytes));
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

  private trim(): void {
    let { bytes } = this;
    let count = 0;
    while (this.events.length - count > capacity.events || bytes > capacity.bytes) {
      const oldest = this.events[count];
      if (!oldest) break;
      bytes -= sizeOf(oldest);
      count++;
    }
    const dropped = this.events.splice(0, count);
    this.bytes = bytes;
    this.low = dropped.at(-1)?.at.position ?? this.low;
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
