/**
 * The log as it is read by those who are behind a feed's window. Readers that are near each other share one
 * subscription and what it brought last: ten projections that catch up together decode every event once. Who falls out of
 * what is held reads by itself from where it is, so that a slow reader neither holds up the others nor loses anything.
 */
import type { CatchUp } from './catch-up.js';
import { EventWindow } from './event-window.js';
import { beginning, type RecordedEvent } from './recorded-event.js';

export interface HistoryOptions {
  readonly open: (after: bigint) => CatchUp;
  /** Where the feed's own window begins; undefined as long as that is not known. */
  readonly liveStart: () => bigint | undefined;
}

export class Histories {
  private readonly all = new Set<History>();

  constructor(private readonly options: HistoryOptions) {}

  /** The history to read what comes after `position`; give it back with {@link leave}. */
  join(reader: object, position: bigint): History {
    const history = [...this.all].find((each) => each.covers(position)) ?? new History(this.options, position);
    this.all.add(history);
    history.readers.add(reader);
    return history;
  }

  async leave(reader: object, history: History): Promise<void> {
    history.readers.delete(reader);
    if (history.readers.size > 0) return;
    this.all.delete(history);
    await history.close();
  }
}

export class History {
  readonly readers = new Set<object>();
  private readonly newest = new EventWindow();
  private readonly closing = new AbortController();
  private catchUp: CatchUp | undefined;
  private pulling: Promise<void> | undefined;
  private caughtUpWith = beginning;
  /** Where the feed's window began when the subscription was opened. */
  private liveStart = beginning;

  constructor(
    private readonly options: HistoryOptions,
    after: bigint,
  ) {
    this.newest.startAfter(after);
  }

  /** Whether it can tell what comes after `position`, without a gap. */
  covers(position: bigint): boolean {
    return this.newest.covers(position) && position <= this.newest.end;
  }

  /** What it holds after `position`, see {@link EventWindow.after}. */
  after(position: bigint, max: number, bytes: number): RecordedEvent[] {
    return this.newest.after(position, max, bytes);
  }

  /** Where a reader is that was given everything up to `position`: nothing lies between. */
  placeOf(position: bigint): bigint {
    return position === this.newest.end && this.caughtUpWith > position ? this.caughtUpWith : position;
  }

  /**
   * Reads on, for all readers at once.
   * @throws what broke the subscription; the next call opens a new one
   */
  async more(signal: AbortSignal): Promise<void> {
    this.pulling ??= this.pull().finally(() => (this.pulling = undefined));
    // Those who do not wait any more need not hear of its failure.
    this.pulling.catch(() => undefined);
    await settledOrAborted(this.pulling, signal);
  }

  async close(): Promise<void> {
    this.closing.abort();
    await this.catchUp?.close();
    this.catchUp = undefined;
  }

  private open(): CatchUp {
    // Taken before the reading begins: "caught up" may have waited long until it is asked for, and the feed's window has
    // moved on meanwhile, over events that are still to come here.
    this.liveStart = this.options.liveStart() ?? beginning;
    return this.options.open(this.newest.end);
  }

  private async pull(): Promise<void> {
    const catchUp = (this.catchUp ??= this.open());
    try {
      const { events, caughtUp } = await catchUp.next(this.closing.signal);
      this.newest.push(events);
      if (caughtUp && this.liveStart > this.caughtUpWith) this.caughtUpWith = this.liveStart;
    } catch (error) {
      this.catchUp = undefined;
      await catchUp.close();
      throw error;
    }
  }
}

function settledOrAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const aborted = () => resolve();
    const settled = () => signal.removeEventListener('abort', aborted);
    signal.addEventListener('abort', aborted, { once: true });
    if (signal.aborted) resolve();
    work.finally(settled).then(resolve, reject);
  });
}
