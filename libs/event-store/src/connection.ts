/**
 * The one place that holds a client of EventStoreDB. A client object must not be used after its channel failed (calls
 * then hang or fail for ever), so whoever meets a transport error has the client replaced here; and a call that the
 * client never settles (batch append on a connection that died between write and answer) ends at a deadline.
 */
import { fullJitterMs, pause, type Backoff } from '@annals/core';
import {
  CancelledError,
  DeadlineExceededError,
  NotLeaderError,
  TimeoutError,
  UnavailableError,
  UnknownError,
  type EventStoreDBClient,
} from '@eventstore/db-client';
import { CallLost, ClientLink } from './client-link.js';
import { EventStoreUnavailable } from './errors.js';

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

  /** The client to use now; do not keep it. */
  get client(): EventStoreDBClient {
    return this.currentLink.client;
  }

  /** Says that `client` failed; the next use gets a new one. */
  async discard(client: EventStoreDBClient): Promise<void> {
    if (client !== this.link?.client) return;
    const link = this.link;
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
    action: (client: EventStoreDBClient) => Promise<Result>,
    timeoutMs = this.callTimeoutMs,
  ): Promise<Result> {
    const giveUpAt = Date.now() + this.retryForMs;
    for (let attempt = 1; ; attempt++) {
      const link = this.currentLink;
      try {
        return await link.settle(operation, action(link.client), timeoutMs);
      } catch (error) {
        if (!isTransportError(error)) throw error;
        // On NotLeaderError the client has already turned to the node that the answer named.
        if (!(error instanceof NotLeaderError)) await this.discard(link.client);
        const waitMs = fullJitterMs(attempt, backoff);
        if (this.closed || Date.now() + waitMs > giveUpAt) throw new EventStoreUnavailable(operation, { cause: error });
        await pause(waitMs);
      }
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    const { link } = this;
    this.link = undefined;
    await link?.giveUp();
  }

  private get currentLink(): ClientLink {
    if (this.closed) throw new EventStoreUnavailable('the connection was closed');
    this.link ??= new ClientLink(this.options.url);
    return this.link;
  }
}
