/**
 * One connection to Postgres per instance for what belongs to a connection: advisory locks (the leases) and LISTEN.
 *
 * Leases: every second the instance tries for the leases it wants and does not hold, up to its fair share among the
 * instances connected now; one that holds more than its share lets go of the rest. A lease ends with the connection:
 * `kill -9` closes it at once, a machine that vanished is found out by TCP keep-alive within 4 s. A lease only says who
 * should write; that nobody else can is the checkpoint's epoch (see bookkeeping.ts).
 */
import { fullJitterMs, pause, type Log } from '@annals/core';
import pg from 'pg';
import { cancelChannel } from '../building/cancellations.js';
import { progressChannel } from '../rows/build-table.js';

/** Channel on which changes from outside are told: the name of the read model that was changed. */
export const controlChannel = 'annals_control';

export interface Lease {
  readonly name: string;
  /** Begins to work; called again after it was lost and taken anew. */
  gained(): void;
  /** Stops working; the lease goes to somebody else when this is done. */
  lost(): Promise<void>;
}

export interface SessionOptions {
  readonly url: string;
  readonly context: string;
  readonly log: Log;
  onNotification(channel: string, payload: string): void;
  /** Notifications may have been missed. */
  onConnected(): void;
}

const everyMs = 1_000;
const answerWithinMs = 4_000;
const backoff = { firstMs: 100, maxMs: 2_000 };

export class Session {
  private readonly stopping = new AbortController();
  private readonly wanted = new Map<string, Lease>();
  private readonly held = new Set<string>();
  private client: pg.Client | undefined;
  private running: Promise<void> | undefined;
  private wake: (() => void) | undefined;
  private firstConnection: Promise<void> | undefined;

  constructor(private readonly options: SessionOptions) {}

  /** Connects, and stays connected until {@link stop}; resolves when it is connected for the first time. */
  start(): Promise<void> {
    this.firstConnection ??= new Promise((resolve) => {
      this.running = this.supervise(resolve);
    });
    return this.firstConnection;
  }

  /** Wants the lease from now on. */
  want(lease: Lease): void {
    this.wanted.set(lease.name, lease);
    this.wake?.();
  }

  holds(lease: string): boolean {
    return this.held.has(lease);
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.wake?.();
    await this.running;
  }

  private async supervise(connected: () => void): Promise<void> {
    const { signal } = this.stopping;
    for (let failures = 0; !signal.aborted;) {
      try {
        const { broken } = await this.connect();
        connected();
        failures = 0;
        this.options.onConnected();
        await this.keepLeases(broken);
      } catch (error) {
        if (failures++ === 0 && !signal.aborted)
          this.options.log.warn('Lost the connection that holds the projections’ leases; trying again', {
            error: String(error),
          });
      }
      await this.loseAll();
      await this.disconnect();
      await pause(fullJitterMs(failures, backoff), signal);
    }
    connected();
  }

  /** @returns `broken`, which rejects when the connection does break */
  private async connect(): Promise<{ readonly broken: Promise<never> }> {
    const { url, context } = this.options;
    const client = new pg.Client({
      connectionString: url,
      application_name: applicationName(context),
      connectionTimeoutMillis: answerWithinMs,
      query_timeout: answerWithinMs,
      keepAlive: true,
      options: '-c tcp_keepalives_idle=2 -c tcp_keepalives_interval=1 -c tcp_keepalives_count=2',
    });
    this.client = client;
    const broken = new Promise<never>((_, reject) => {
      client.on('error', reject);
      client.on('end', () => reject(new Error('The connection was closed.')));
    });
    broken.catch(() => undefined);
    await client.connect();
    client.on('notification', ({ channel, payload }) => this.options.onNotification(channel, payload ?? ''));
    await client.query(`listen ${controlChannel}`);
    await client.query(`listen ${progressChannel}`);
    await client.query(`listen ${cancelChannel}`);
    return { broken };
  }

  private async disconnect(): Promise<void> {
    const { client } = this;
    this.client = undefined;
    // Ending a connection that broke already is what is meant.
    await client?.end().catch(() => undefined);
  }

  private async keepLeases(broken: Promise<never>): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      await Promise.race([this.claim(), broken]);
      await Promise.race([this.untilWoken(), broken]);
    }
  }

  private async untilWoken(): Promise<void> {
    const woken = new AbortController();
    this.wake = () => woken.abort();
    await pause(everyMs, woken.signal);
    this.wake = undefined;
  }

  private async claim(): Promise<void> {
    const { client } = this;
    if (!client || this.wanted.size === 0) return;
    const { rows } = await client.query<{ instances: number }>(
      'select greatest(count(*), 1)::int as instances from pg_stat_activity where datname = current_database() and application_name = $1',
      [applicationName(this.options.context)],
    );
    const share = Math.ceil(this.wanted.size / (rows[0]?.instances ?? 1));
    for (const name of [...this.held].slice(share)) await this.release(client, name);
    const free = [...this.wanted.keys()].filter((name) => !this.held.has(name));
    for (const name of free) {
      if (this.held.size >= share || this.stopping.signal.aborted) return;
      await this.tryFor(client, name);
    }
  }

  private async tryFor(client: pg.Client, name: string): Promise<void> {
    const { rows } = await client.query<{ got: boolean }>(
      'select pg_try_advisory_lock(hashtextextended($1, 0)) as got',
      [lockKey(name)],
    );
    if (rows[0]?.got !== true) return;
    this.held.add(name);
    this.wanted.get(name)?.gained();
  }

  private async release(client: pg.Client, name: string): Promise<void> {
    this.held.delete(name);
    await this.wanted.get(name)?.lost();
    await client.query('select pg_advisory_unlock(hashtextextended($1, 0))', [lockKey(name)]);
  }

  private async loseAll(): Promise<void> {
    const lost = [...this.held];
    this.held.clear();
    await Promise.all(lost.map(async (name) => this.wanted.get(name)?.lost()));
  }
}

const applicationName = (context: string): string => `annals ${context} instance`.slice(0, 63);

/** What the advisory lock is taken on. */
export const lockKey = (name: string): string => `annals lease ${name}`;
