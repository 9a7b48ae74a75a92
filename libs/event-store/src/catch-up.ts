/**
 * One subscription to `$all` as a pull: events in order, with "caught up" at its right place among them.
 */
import { convertToCommandError } from '@eventstore/db-client';
import type { ClientLink } from './client-link.js';
import { isTransportError, type EventStoreConnection } from './connection.js';
import { noteSize, sizeOf } from './event-sizes.js';
import { decodeReadAnswer, type ReadAnswer } from './read-answer.js';
import { beginning, type RecordedEvent } from './recorded-event.js';
import { CallLost, type CallListener, type GrpcCall } from './wire/grpc-call.js';
import { encodeAllSubscription } from './wire/read-request.js';

/** Events, and bytes of them, held before the subscription is paused; the server is held back by flow control then. */
const highWater = { events: 4_096, bytes: 64 * 1024 * 1024 };
const maxSearchWindow = 1_000;

export interface CatchUpBatch {
  readonly events: readonly RecordedEvent[];
  /** After these events there were, for a moment, no further ones. */
  readonly caughtUp: boolean;
}

export class CatchUp {
  private buffer: RecordedEvent[] = [];
  private bufferedBytes = 0;
  private eventsBeforeCaughtUp: number | undefined;
  private failure: unknown;
  private wake: (() => void) | undefined;
  private checkpoint = beginning;
  private call: GrpcCall | undefined;
  private closed = false;
  private readonly link: ClientLink;
  private isPaused = false;

  /** @param prefixes of the stream names wanted; none: all but the server's own @param after position (exclusive) */
  constructor(
    private readonly connection: EventStoreConnection,
    prefixes: readonly string[],
    after: bigint,
  ) {
    this.link = connection.current;
    const listener: CallListener = {
      message: (bytes) => this.receive(decodeReadAnswer(bytes)),
      ended: (failure) => this.fail(failure ?? new CallLost('The event store ended the subscription.')),
    };
    this.link.subscribe(encodeAllSubscription(after, prefixes, maxSearchWindow), listener).then(
      (call) => this.follow(call),
      (error: unknown) => this.fail(error),
    );
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
    this.bufferedBytes = 0;
    let caughtUp = false;
    if (this.eventsBeforeCaughtUp !== undefined) {
      this.eventsBeforeCaughtUp -= events.length;
      caughtUp = this.eventsBeforeCaughtUp <= 0;
      if (caughtUp) this.eventsBeforeCaughtUp = undefined;
    }
    if (this.isPaused) {
      this.isPaused = false;
      this.call?.resume();
    }
    return { events, caughtUp };
  }

  async close(): Promise<void> {
    this.closed = true;
    if (this.failure !== undefined && isTransportError(this.failure))
      await this.connection.dismiss(this.link, this.failure);
    this.failure ??= new Error('closed');
    this.call?.cancel();
  }

  private follow(call: GrpcCall): void {
    this.call = call;
    if (this.closed) call.cancel();
    else if (this.isPaused) call.pause();
  }

  private receive(answer: ReadAnswer): void {
    if (this.closed) return;
    switch (answer.kind) {
      case 'event':
        this.hold(answer.recorded, answer.bytes);
        return this.notify();
      case 'checkpoint':
        this.checkpoint = answer.position;
        return;
      case 'caught-up':
        this.eventsBeforeCaughtUp = this.buffer.length;
        return this.notify();
      default:
        return;
    }
  }

  private hold(recorded: RecordedEvent, bytes: number): void {
    noteSize(recorded, bytes);
    this.buffer.push(recorded);
    this.bufferedBytes += sizeOf(recorded);
    if (this.isPaused || (this.buffer.length < highWater.events && this.bufferedBytes < highWater.bytes)) return;
    this.isPaused = true;
    this.call?.pause();
  }

  private fail(error: unknown): void {
    this.failure ??= error instanceof Error ? convertToCommandError(error) : error;
    this.notify();
  }

  private more(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        signal.removeEventListener('abort', done);
        if (this.wake === done) this.wake = undefined;
        resolve();
      };
      this.wake = done;
      signal.addEventListener('abort', done, { once: true });
    });
  }

  /** Once for all events of one read from the connection: they come as one after the other, and make one batch. */
  private notify(): void {
    const { wake } = this;
    if (!wake) return;
    this.wake = undefined;
    setImmediate(wake);
  }
}
