import type { EventWindow } from './event-window.js';
import type { Histories, History } from './history.js';
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
  /** Where it reads while it is behind the window. */
  private history: History | undefined;
  private toldLive = false;

  constructor(
    private readonly window: EventWindow,
    private readonly histories: Histories,
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
      const batch = covered ? await this.fromWindow(max) : await this.fromStore(max, signal);
      if (batch) return batch;
      if (covered || !this.window.started) await this.window.changed(signal);
    }
    return this.batch([]);
  }

  async close(): Promise<void> {
    const { history } = this;
    this.history = undefined;
    if (history) await this.histories.leave(this, history);
  }

  private async fromWindow(max: number): Promise<FeedBatch | undefined> {
    if (this.history) await this.close();
    const events = this.window.after(this.position, max, maxBatchBytes);
    this.position = events.at(-1)?.at.position ?? this.position;
    return events.length > 0 || !this.toldLive ? this.batch(events) : undefined;
  }

  private async fromStore(max: number, signal: AbortSignal): Promise<FeedBatch | undefined> {
    if (!this.window.started) return undefined;
    const before = this.position;
    if (this.history?.covers(before) !== true) await this.close();
    const history = (this.history ??= this.histories.join(this, before));
    let events = history.after(before, max, maxBatchBytes);
    if (events.length === 0 && history.placeOf(before) === before) {
      await history.more(signal);
      events = history.after(before, max, maxBatchBytes);
    }
    this.position = history.placeOf(events.at(-1)?.at.position ?? before);
    return this.position > before ? this.batch(events) : undefined;
  }

  private batch(events: readonly RecordedEvent[]): FeedBatch {
    const live = this.window.covers(this.position) && this.position >= this.window.end;
    this.toldLive ||= live;
    return { events: this.read(events), position: this.position, live };
  }
}
