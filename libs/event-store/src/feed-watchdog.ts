/**
 * Notices a subscription that stands still although it looks alive (a half-open connection, a server that forgot it):
 *
 *   progress within the interval? ──yes──▶ wait again
 *        │no
 *   anything newer in the store at all? ──no──▶ wait again
 *        │yes
 *   does a second subscription find an event of ours that the first did not? ──no──▶ wait again
 *        │yes
 *   stalled
 */
import { pause } from '@annals/core';
import type { CatchUp } from './catch-up.js';
import type { Streams } from './streams.js';

export interface WatchdogOptions {
  readonly everyMs: number;
  readonly streams: Streams;
  /** A subscription to the same streams, after a position. */
  readonly open: (after: bigint) => CatchUp;
  /** Position of the last event received. */
  readonly lastEvent: () => bigint;
  /** Position up to which the server says it has looked for events. */
  readonly searched: () => bigint | undefined;
}

export class FeedWatchdog {
  /** Up to here there is nothing of ours that was not received. */
  private cleared = -1n;

  constructor(private readonly options: WatchdogOptions) {}

  /** Settles with the reason when the subscription stands still; with nothing of interest when `signal` is aborted. */
  async watch(signal: AbortSignal): Promise<string> {
    const { everyMs } = this.options;
    while (!signal.aborted) {
      const before = this.reached();
      await pause(everyMs, signal);
      if (signal.aborted || this.reached() > before) continue;
      const missed = await this.missed(signal).catch(String);
      if (missed !== undefined && this.reached() === before) return missed;
    }
    return 'stopped';
  }

  private async missed(signal: AbortSignal): Promise<string | undefined> {
    const head = await this.options.streams.headPosition();
    if (head <= this.reached() || head <= this.cleared) return undefined;
    const last = this.options.lastEvent();
    const probe = this.options.open(last);
    const limited = AbortSignal.any([signal, AbortSignal.timeout(this.options.everyMs)]);
    try {
      const { events, caughtUp } = await probe.next(limited);
      if (events.length > 0)
        return `no progress for ${this.options.everyMs} ms, while the event store has newer events than position ${last}`;
      if (caughtUp) this.cleared = head;
      return undefined;
    } finally {
      await probe.close();
    }
  }

  private reached(): bigint {
    const { lastEvent, searched } = this.options;
    const [event, looked] = [lastEvent(), searched() ?? -1n];
    return event > looked ? event : looked;
  }
}
