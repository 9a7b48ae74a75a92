/**
 * The one place that holds a client of EventStoreDB. A client object must not be used after its channel failed (calls
 * then hang or fail for ever), so whoever meets a transport error has the client replaced here; and a call that the
 * client never settles (batch append on a connection that died between write and answer) ends at a deadline.
 */
import { fullJitterMs, pause, type Backoff } from '@annals/core';
import {
  AccessDeniedError,
  CancelledError,
  convertToCommandError,
  DeadlineExceededError,
  NotLeaderError,
  TimeoutError,
  UnavailableError,
  UnknownError,
} from '@eventstore/db-client';
import { ClientLink } from './client-link.js';
import { EventStoreAccessDenied, EventStoreUnavailable } from './errors.js';
import type { RecordedEvent } from './recorded-event.js';
import type { EventRead } from './wire/event-read.js';
import { CallLost } from './wire/grpc-call.js';

export interface ConnectionOptions {
  /** `esdb://…` or `kurrentdb://…` connection string. */
  readonly url: string;
  /** How long one call may take before it counts as lost, in ms. */
  readonly callTimeoutMs?: number;
  /** How long a call is tried again on transport errors, in ms, before {@link EventStoreUnavailable}. */
  readonly retryForMs?: number;
}

const backoff: Backoff = { firstMs: 50, maxMs: 1_000 };

/** Errors of the way to the server, after which the same call may succeed on a new channel. */
export const isTransportError = (error: unknown): boolean =>
  error instanceof UnavailableError ||
  error instanceof CancelledError ||
  error instanceof DeadlineExceededError ||
  error instanceof TimeoutError ||
  error instanceof NotLeaderError ||
  error instanceof UnknownError ||
  error instanceof CallLost ||
  // grpc-js throws this plain error when a call starts on a channel that was closed meanwhile.
  (error instanceof Error && /channel (has been )?(closed|shut ?down)|ERR_HTTP2|ECONN|EPIPE/i.test(error.message));

export class EventStoreConnection {
  private link: ClientLink | undefined;
  private closed = false;
  private readonly callTimeoutMs: number;
  private readonly retryForMs: number;

  constructor(private readonly options: ConnectionOptions) {
    this.callTimeoutMs = options.callTimeoutMs ?? 10_000;
    this.retryForMs = options.retryForMs ?? 15_000;
  }

  /** The link to use now; do not keep it. @throws EventStoreUnavailable when the connection was closed */
  get current(): ClientLink {
    if (this.closed) throw new EventStoreUnavailable('the connection was closed');
    this.link ??= new ClientLink(this.options.url);
    return this.link;
  }

  /** What a transport error means for `link`: it is not used again, unless it has only to turn to another node. */
  async dismiss(link: ClientLink, error: unknown): Promise<void> {
    if (error instanceof NotLeaderError) return link.report(error);
    if (link !== this.link) return;
    this.link = undefined;
    await link.giveUp();
  }

  /**
   * Makes a call that may be repeated, and repeats it on transport errors.
   * @param timeoutMs Infinity for long reads: there the keep-alive of the channel finds a dead connection
   * @throws EventStoreUnavailable after `retryForMs`; other errors as the client throws them
   */
  async call<Result>(
    operation: string,
    action: (link: ClientLink) => Promise<Result>,
    timeoutMs = this.callTimeoutMs,
  ): Promise<Result> {
    const giveUpAt = Date.now() + this.retryForMs;
    for (let attempt = 1; ; attempt++) {
      const link = this.current;
      try {
        return await link.settle(operation, action(link), timeoutMs);
      } catch (error) {
        await this.recover(link, operation, error, attempt, giveUpAt);
      }
    }
  }

  /**
   * Gives what `open` reads, and opens it again when the connection breaks: it must go on behind what was given.
   * Back-pressured: reads on only as fast as it is consumed.
   * @throws EventStoreUnavailable `retryForMs` after the last events; other errors as the client throws them
   */
  async *read(
    operation: string,
    open: (link: ClientLink) => Promise<EventRead>,
  ): AsyncGenerator<readonly RecordedEvent[]> {
    for (let attempt = 1, giveUpAt = Date.now() + this.retryForMs; ; attempt++) {
      const link = this.current;
      let read: EventRead | undefined;
      try {
        read = await link.settle(operation, open(link), this.callTimeoutMs);
        for (;;) {
          const events = await link.settle(operation, read.next(), Infinity);
          if (events.length === 0) return;
          yield events;
          [attempt, giveUpAt] = [1, Date.now() + this.retryForMs];
        }
      } catch (error) {
        if (error instanceof Error && convertToCommandError(error) instanceof NotLeaderError) await link.report(error);
        await this.recover(link, operation, error, attempt, giveUpAt);
      } finally {
        read?.cancel();
      }
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    const { link } = this;
    this.link = undefined;
    await link?.giveUp();
  }

  /** Makes ready for another attempt after a transport error. @throws all other errors, EventStoreUnavailable */
  private async recover(
    link: ClientLink,
    operation: string,
    thrown: unknown,
    attempt: number,
    giveUpAt: number,
  ): Promise<void> {
    // Some calls of the client let gRPC's own errors through.
    const error: unknown = thrown instanceof Error ? convertToCommandError(thrown) : thrown;
    if (error instanceof AccessDeniedError) throw new EventStoreAccessDenied(operation, { cause: error });
    if (!isTransportError(error)) throw error;
    // On NotLeaderError the link has already turned to the node that the answer named.
    if (!(error instanceof NotLeaderError)) await this.dismiss(link, error);
    const waitMs = fullJitterMs(attempt, backoff);
    if (this.closed || Date.now() + waitMs > giveUpAt) throw new EventStoreUnavailable(operation, { cause: error });
    await pause(waitMs);
  }
}
