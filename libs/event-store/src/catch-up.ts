/**
 * One subscription to `$all` as a pull: events in order, with "caught up" at its right place among them. The client
 * announces that by a callback that runs ahead of the events still in its buffer; here the announcement waits for them.
 */
import {
  eventTypeFilter,
  START,
  streamNameFilter,
  type AllStreamResolvedEvent,
  type AllStreamSubscription,
  type EventStoreDBClient,
  type Filter,
  type Position,
} from '@eventstore/db-client';
import { isTransportError, type EventStoreConnection } from './connection.js';
import { beginning, toRecordedEvent, type RecordedEvent } from './recorded-event.js';

/** Events held before the subscription is paused; the server is held back by flow control then. */
const highWater = 4_096;

export interface CatchUpBatch {
  readonly events: readonly RecordedEvent[];
  /** After these events there were, for a moment, no further ones. */
  readonly caughtUp: boolean;
}

export class CatchUp {
  private buffer: RecordedEvent[] = [];
  private eventsBeforeCaughtUp: number | undefined;
  private failure: unknown;
  private wake: (() => void) | undefined;
  private checkpoint = beginning;
  private readonly client: EventStoreDBClient;
  private readonly subscription: AllStreamSubscription;

  /** @param prefixes of the stream names wanted; none: all but the server's own @param after position (exclusive) */
  constructor(
    private readonly connection: EventStoreConnection,
    prefixes: readonly string[],
    after: bigint,
  ) {
    this.client = connection.client;
    this.subscription = this.client.subscribeToAll(
      {
        fromPosition: after === beginning ? START : { commit: after, prepare: after },
        filter: this.filter(prefixes),
      },
      { highWaterMark: 256 },
    );
    this.subscription
      .on('data', (resolved: AllStreamResolvedEvent) => this.receive(resolved))
      .on('caughtUp' as 'confirmation', () => {
        this.eventsBeforeCaughtUp = this.buffer.length + this.subscription.readableLength;
        this.notify();
      })
      .on('error', (error: unknown) => this.fail(error))
      .on('end', () => this.fail(new Error('The event store ended the subscription.')))
      .on('close', () => this.fail(new Error('The subscription was closed.')));
  }

  /** How far the server has looked, as far as it told: a sign of life, and no place to begin again at. */
  get searched(): bigint {
    return this.checkpoint;
  }

  /**
   * All events that are there, or the first that come.
   * @throws what broke the subscription, after the events that came before; open a new one then
   */
  async next(signal: AbortSignal): Promise<CatchUpBatch> {
    while (this.buffer.length === 0 && this.eventsBeforeCaughtUp !== 0) {
      if (signal.aborted) return { events: [], caughtUp: false };
      if (this.failure !== undefined) throw this.failure as Error;
      await this.more(signal);
    }
    const events = this.buffer;
    this.buffer = [];
    let caughtUp = false;
    if (this.eventsBeforeCaughtUp !== undefined) {
      this.eventsBeforeCaughtUp -= events.length;
      caughtUp = this.eventsBeforeCaughtUp <= 0;
      if (caughtUp) this.eventsBeforeCaughtUp = undefined;
    }
    if (this.subscription.isPaused()) this.subscription.resume();
    return { events, caughtUp };
  }

  async close(): Promise<void> {
    this.subscription.removeAllListeners('data');
    if (this.failure === undefined) {
      this.failure = new Error('closed');
      await this.subscription.unsubscribe();
    } else if (isTransportError(this.failure)) {
      await this.connection.discard(this.client);
    }
    this.subscription.destroy();
  }

  private filter(prefixes: readonly string[]): Filter {
    const options = {
      maxSearchWindow: 1_000,
      checkpointReached: (_: unknown, { commit }: Position) => {
        this.checkpoint = commit;
      },
    };
    return prefixes.length > 0
      ? streamNameFilter({ prefixes: [...prefixes], ...options })
      : eventTypeFilter({ regex: '^[^$].*', ...options });
  }

  private receive({ event }: AllStreamResolvedEvent): void {
    if (!event) return;
    this.buffer.push(toRecordedEvent(event));
    if (this.buffer.length >= highWater) this.subscription.pause();
    this.notify();
  }

  private fail(error: unknown): void {
    this.failure ??= error;
    this.notify();
  }

  private more(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        signal.removeEventListener('abort', done);
        this.wake = undefined;
        resolve();
      };
      this.wake = done;
      signal.addEventListener('abort', done, { once: true });
    });
  }

  private notify(): void {
    this.wake?.();
  }
}
