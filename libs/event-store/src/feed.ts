/**
 * The feed: one supervised subscription to `$all` per context that serves any number of consumers, each at its own
 * position and pace.
 *
 *                       ┌────────────── EventFeed ──────────────┐
 *   $all ─subscription─▶│ window: the newest events, bounded     │──▶ reader A (at the end: waits here)
 *                       └────────────────────────────────────────┘──▶ reader B (inside the window)
 *   $all ─subscription of its own──▶ history, bounded ────────────▶ readers C, D (behind the window: catch up together)
 *
 * A reader asks for what comes after its position. What the window still holds comes from the window; a reader behind
 * it reads from the store, together with those near it (history.ts), until it has come up to the window. Positions alone
 * decide, so the change from one source to the other can neither lose nor repeat an event, and a slow reader holds up
 * nobody and fills no memory.
 *
 * The window restarts after the last *event* it saw: a checkpoint beyond the last event can lose the next one
 * (EventStore/EventStore issue 4970).
 */
import { fullJitterMs, pause, type Backoff, type EventSchemas } from '@annals/core';
import { CatchUp } from './catch-up.js';
import type { EventStoreConnection } from './connection.js';
import { EventWindow } from './event-window.js';
import { FeedReader } from './feed-reader.js';
import { Histories } from './history.js';
import { runConsumer, type FeedConsumer, type RunningConsumer } from './feed-consumer.js';
import { FeedWatchdog } from './feed-watchdog.js';
import type { RecordedEvent } from './recorded-event.js';
import type { Streams } from './streams.js';

const reconnect: Backoff = { firstMs: 100, maxMs: 2_000 };

export interface FeedStatus {
  readonly connected: boolean;
  /** Why it is not connected, where that is known. */
  readonly reason?: string;
}

export interface FeedOptions {
  /** Gives events in today's shapes; without it, as they were stored. */
  readonly schemas?: EventSchemas;
  /** How long the feed may stand still while the store has newer events, in ms; default 10,000. */
  readonly watchdogMs?: number;
}

interface InnerOptions extends FeedOptions {
  readonly read?: (recorded: readonly RecordedEvent[]) => readonly RecordedEvent[];
}

export class EventFeed {
  private readonly stopping = new AbortController();
  private readonly consumers = new Set<RunningConsumer>();
  private readonly window = new EventWindow();
  private supervision: Promise<void> | undefined;
  private connection: FeedStatus = { connected: false, reason: 'not started' };
  /** Why events cannot be given to the consumers, although the store is there. */
  private unreadable: string | undefined;
  private subscription: CatchUp | undefined;
  private readonly watchdog: FeedWatchdog;
  private readonly histories: Histories;

  constructor(
    private readonly store: EventStoreConnection,
    private readonly streams: Streams,
    private readonly prefixes: readonly string[],
    private readonly options: InnerOptions = {},
  ) {
    const open = (after: bigint) => new CatchUp(store, prefixes, after);
    this.histories = new Histories({ open, liveStart: () => this.window.start });
    this.watchdog = new FeedWatchdog({
      everyMs: options.watchdogMs ?? 10_000,
      streams,
      open,
      lastEvent: () => this.window.end,
      searched: () => this.subscription?.searched,
    });
  }

  get status(): FeedStatus {
    if (!this.connection.connected || this.unreadable === undefined) return this.connection;
    return { connected: false, reason: this.unreadable };
  }

  /** A reader of everything after `position` (exclusive; `beginning` for all). */
  reader(position: bigint): FeedReader {
    this.start();
    return new FeedReader(this.window, this.histories, position, (recorded) => this.read(recorded));
  }

  /** Keeps `consumer` supplied until it is stopped, whatever fails on the way. */
  run(consumer: FeedConsumer): RunningConsumer {
    const running = runConsumer(this, consumer);
    this.consumers.add(running);
    return running;
  }

  async close(): Promise<void> {
    this.stopping.abort();
    this.window.wake();
    await Promise.all([...this.consumers].map((consumer) => consumer.stop()));
    await this.supervision;
  }

  private start(): void {
    this.supervision ??= this.supervise();
  }

  private async supervise(): Promise<void> {
    const { signal } = this.stopping;
    for (let failures = 0; !signal.aborted;) {
      try {
        if (!this.window.started) this.window.startAfter(await this.streams.headPosition());
        await this.follow(() => (failures = 0));
      } catch (error) {
        this.connection = { connected: false, reason: String(error) };
      }
      await pause(fullJitterMs(++failures, reconnect), signal);
    }
    this.connection = { connected: false, reason: 'stopped' };
  }

  /** Fills the window until the subscription breaks, stands still, or the feed is closed. */
  private async follow(onProgress: () => void): Promise<void> {
    const turn = new AbortController();
    const signal = AbortSignal.any([this.stopping.signal, turn.signal]);
    const subscription = new CatchUp(this.store, this.prefixes, this.window.end);
    this.subscription = subscription;
    const watch = this.watchdog.watch(signal).then((stall) => {
      if (signal.aborted) return;
      this.connection = { connected: false, reason: stall };
      turn.abort();
    });
    try {
      while (!signal.aborted) {
        const { events } = await subscription.next(signal);
        if (signal.aborted) break;
        this.connection = { connected: true };
        onProgress();
        if (events.length > 0) this.window.push(events);
      }
    } finally {
      turn.abort();
      await watch;
      await subscription.close();
    }
  }

  private read(recorded: readonly RecordedEvent[]): readonly RecordedEvent[] {
    try {
      const events = this.options.read?.(recorded) ?? recorded;
      this.unreadable = undefined;
      return events;
    } catch (error) {
      this.unreadable = String(error);
      throw error;
    }
  }
}
