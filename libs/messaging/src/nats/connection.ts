/**
 * One connection to NATS that heals by itself. Each loss ends a link for good and a new one is made, with the streams
 * reconciled before anybody uses it; the client's own reconnection stays off, because it would send what it had buffered
 * in the meantime, and so let later messages overtake those that were lost.
 */
import { fullJitterMs, pause, type Backoff, type Log } from '@annals/core';
import { jetstream, jetstreamManager, type JetStreamClient, type JetStreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { MessagingUnavailable } from '../errors.js';
import { connectionOptions, type NatsSettings } from './settings.js';

export interface Link {
  readonly connection: NatsConnection;
  readonly client: JetStreamClient;
  readonly manager: JetStreamManager;
  /** Aborted when the link is lost. */
  readonly lost: AbortSignal;
}

const reconnect: Backoff = { firstMs: 100, maxMs: 2_000 };
const connectWithinMs = 3_000;
/** A peer that answers no ping for so long, twice, is gone. */
const pingEveryMs = 4_000;

export class NatsLinks {
  private readonly closing = new AbortController();
  private readonly supervision: Promise<void>;
  private current: Link | undefined;
  private lastFailure = 'not connected yet';
  private readonly waiting: (() => void)[] = [];

  /** @param prepare makes a new connection ready for use */
  constructor(
    private readonly settings: NatsSettings,
    private readonly name: string,
    private readonly prepare: (manager: JetStreamManager) => Promise<void>,
    private readonly callTimeoutMs: number,
    private readonly log: Log,
  ) {
    this.supervision = this.supervise();
  }

  get connected(): boolean {
    return this.current !== undefined;
  }

  /** Why it is not connected. */
  get reason(): string {
    return this.lastFailure;
  }

  /** The link of this moment, or the next one if it comes in time. @throws MessagingUnavailable */
  async use(operation: string): Promise<Link> {
    if (this.current) return this.current;
    const giveUp = AbortSignal.any([AbortSignal.timeout(this.callTimeoutMs), this.closing.signal]);
    const link = await this.next(giveUp);
    if (!link) throw new MessagingUnavailable(operation, this.lastFailure);
    return link;
  }

  /** The link of this moment or the next one; undefined when `signal` is aborted first. */
  async next(signal: AbortSignal): Promise<Link | undefined> {
    while (!this.current && !signal.aborted) {
      await new Promise<void>((resolve) => {
        signal.addEventListener('abort', () => resolve(), { once: true });
        this.waiting.push(resolve);
      });
    }
    return this.current;
  }

  async close(): Promise<void> {
    this.closing.abort();
    await this.current?.connection.close();
    await this.supervision;
  }

  private async supervise(): Promise<void> {
    const { signal } = this.closing;
    for (let failures = 0; !signal.aborted;) {
      try {
        await this.connectAndWatch(() => (failures = 0));
      } catch (error) {
        this.lastFailure = error instanceof Error ? error.message : String(error);
      }
      if (signal.aborted) break;
      if (failures === 0) this.log.warn(`The connection to NATS is lost: ${this.lastFailure}`);
      await pause(fullJitterMs(++failures, reconnect), signal);
    }
    this.lastFailure = 'closed';
    this.notify();
  }

  /** Returns when the connection is lost. */
  private async connectAndWatch(onReady: () => void): Promise<void> {
    const connection = await connect({
      ...connectionOptions(this.settings),
      name: this.name,
      reconnect: false,
      timeout: connectWithinMs,
      pingInterval: pingEveryMs,
      maxPingOut: 2,
      // A stack trace for every request costs a fifth of the throughput, and our errors name the operation.
      noAsyncTraces: true,
    });
    const lost = new AbortController();
    const ended = connection.closed().then((reason) => {
      this.lastFailure = reason instanceof Error ? reason.message : 'the server closed the connection';
    });
    try {
      const manager = await jetstreamManager(connection, { timeout: this.callTimeoutMs });
      await this.prepare(manager);
      if (this.closing.signal.aborted) return;
      this.current = {
        connection,
        client: jetstream(connection, { timeout: this.callTimeoutMs }),
        manager,
        lost: lost.signal,
      };
      onReady();
      this.notify();
      await ended;
    } finally {
      this.current = undefined;
      lost.abort();
      await connection.close();
    }
  }

  private notify(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
  }
}
