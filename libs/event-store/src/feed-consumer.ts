/**
 * Runs a consumer of a feed for ever: reads after its checkpoint, gives it batch after batch, and begins again at its
 * checkpoint, after a wait, when the connection or the consumer itself fails.
 */
import { fullJitterMs, pause, type Backoff } from '@annals/core';
import type { FeedBatch, FeedReader } from './feed-reader.js';

export interface FeedConsumer {
  readonly name: string;
  /** Position up to which everything has been handled (`beginning` at first); asked at the start and after each failure. */
  checkpoint(): Promise<bigint>;
  /**
   * Deals with a batch and moves the checkpoint to `batch.position`: in one transaction, or in a way that repeating
   * the batch does no harm. A rejection means: give it again from the checkpoint. A batch may be without events: that
   * the position moved on, or that the consumer is live now (told also when nothing is new since its checkpoint).
   */
  handle(batch: FeedBatch, signal: AbortSignal): Promise<void>;
  /** How many events a batch has at most; default 500. */
  readonly maxBatch?: number;
  /**
   * The least time between two batches while it is live, in ms; default 0. For bookkeeping that nobody waits for: what comes
   * meanwhile is one batch, and costs the database once.
   */
  readonly everyMs?: number;
  /** Told about each failure, which will be tried again. */
  onFailure(error: unknown, failures: number): void;
}

export interface ConsumerStatus {
  readonly name: string;
  /** `starting` until the first checkpoint is known, then `catching-up` or `live`; `failing` while it waits to try again. */
  readonly state: 'starting' | 'catching-up' | 'live' | 'failing' | 'stopped';
  readonly position?: bigint;
  readonly lastError?: string;
}

export interface RunningConsumer {
  readonly status: ConsumerStatus;
  /** Finishes the batch in hand and stops. */
  stop(): Promise<void>;
}

const backoff: Backoff = { firstMs: 100, maxMs: 5_000 };

export function runConsumer(feed: { reader(position: bigint): FeedReader }, consumer: FeedConsumer): RunningConsumer {
  const stopping = new AbortController();
  const { signal } = stopping;
  let status: ConsumerStatus = { name: consumer.name, state: 'starting' };
  const set = (change: Partial<ConsumerStatus>) => (status = { ...status, ...change });

  async function consume(onProgress: () => void): Promise<void> {
    const position = await consumer.checkpoint();
    set({ position, state: 'catching-up' });
    const reader = feed.reader(position);
    try {
      while (!signal.aborted) {
        const batch = await reader.next(consumer.maxBatch ?? 500, signal);
        if (signal.aborted) return;
        const becomesLive = batch.live && status.state !== 'live';
        const hasNews = batch.events.length > 0 || batch.position !== status.position || becomesLive;
        if (hasNews) await consumer.handle(batch, signal);
        onProgress();
        set({ position: batch.position, state: batch.live ? 'live' : 'catching-up' });
        if (batch.live && consumer.everyMs !== undefined) await pause(consumer.everyMs, signal);
      }
    } finally {
      await reader.close();
    }
  }

  async function supervise(): Promise<void> {
    for (let failures = 0; !signal.aborted;) {
      try {
        await consume(() => (failures = 0));
      } catch (error) {
        if (signal.aborted) break;
        set({ state: 'failing', lastError: error instanceof Error ? error.message : String(error) });
        consumer.onFailure(error, ++failures);
        await pause(fullJitterMs(failures, backoff), signal);
      }
    }
    set({ state: 'stopped' });
  }

  const running = supervise();
  return {
    get status() {
      return status;
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
