import type { CatchUp } from './catch-up.js';
import { countWithin } from './event-sizes.js';
import type { EventWindow } from './event-window.js';
import type { RecordedEvent } from './recorded-event.js';

export interface FeedBatch {
  readonly events: readonly RecordedEvent[];
  /** Everything up to and including this position has been given; may be beyond the last event of the batch. */
  readonly position: bigint;
  /** There was nothing newer when the batch was made. */
  readonly live: boolean;
}

/** What the events of a batch take in memory at most, about; one event alone may be larger. */
const maxBatchBytes = 16 * 1024 * 1024;

/** One consumer's place in a feed: ask for the next batch when the last one is dealt with. */
export class FeedReader {
  private catchUp: CatchUp | undefined;
  /** Read from the store, not given out yet. */
  private pending: readonly RecordedEvent[] = [];
  /** Where the window began when the catch-up had read all history: nothing before it is left but `pending`. */
  private reached: bigint | undefined;
  private toldLive = false;

  constructor(
    private readonly window: EventWindow,
    private readonly openCatchUp: (after: bigint) => CatchUp,
    private position: bigint,
    private readonly read: (recorded: readonly RecordedEvent[]) => readonly RecordedEvent[],
  ) {}

  /**
   * Waits until there is something after the reader's position, or `signal` is aborted (then the batch is empty). A
   * batch without events says that the position moved on, or, once, that the reader is live.
   * @param max how many events at most (fewer when they are large); what came beyond stays for the next batch
   * @throws what broke the catch-up subscription, or why events cannot be read; make a new reader then
   */
  async next(max: number, signal: AbortSignal): Promise<FeedBatch> {
    while (!signal.aborted) {
      const covered = this.window.covers(this.position);
      const batch =
        covered && this.pending.length === 0 ? await this.fromWindow(max) : await this.fromStore(max, signal);
      if (batch) return batch;
      if (covered || !this.window.started) await this.window.changed(signal);
    }
    return this.batch([]);
  }

  async close(): Promise<void> {
    await this.catchUp?.close();
    this.catchUp = undefined;
  }

  private async fromWindow(max: number): Promise<FeedBatch | undefined> {
    if (this.catchUp) await this.close();
    const events = this.window.after(this.position, max, maxBatchBytes);
    this.position = events.at(-1)?.at.position ?? this.position;
    return events.length > 0 || !this.toldLive ? this.batch(events) : undefined;
  }

  private async fromStore(max: number, signal: AbortSignal): Promise<FeedBatch | undefined> {
    // Taken before reading: what comes after it while the history is read is in the window.
    const windowStart = this.window.start;
    if (windowStart === undefined) return undefined;
    if (this.pending.length === 0) {
      this.catchUp ??= this.openCatchUp(this.position);
      const { events, caughtUp } = await this.catchUp.next(signal);
      this.pending = events;
      if (caughtUp) this.reached = windowStart;
    }
    const count = countWithin(this.pending, 0, max, maxBatchBytes);
    const events = this.pending.slice(0, count);
    this.pending = this.pending.slice(count);
    const before = this.position;
    this.position = events.at(-1)?.at.position ?? before;
    if (this.pending.length === 0 && this.reached !== undefined) {
      if (this.reached > this.position) this.position = this.reached;
      this.reached = undefined;
    }
    return this.position > before ? this.batch(events) : undefined;
  }

  private batch(events: readonly RecordedEvent[]): FeedBatch {
    const live = this.pending.length === 0 && this.window.covers(this.position) && this.position >= this.window.end;
    this.toldLive ||= live;
    return { events: this.read(events), position: this.position, live };
  }
}
