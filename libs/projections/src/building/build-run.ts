/**
 * Folds a build that nobody reads yet from its checkpoint to the end of the feed, as fast as it goes: rows stay in memory
 * and are written once per window, while the next events are read. Interrupted at any point, it goes on from the
 * checkpoint. When the database refuses rows, commits are made smaller until the event to blame is alone.
 */
import { fullJitterMs, pause, type Log } from '@annals/core';
import { beginning, type EventFeed, type FeedReader, type RecordedEvent } from '@annals/event-store';
import type pg from 'pg';
import { Fenced } from '../errors.js';
import { isDataError } from '../postgres-errors.js';
import type { AnyReadModel } from '../read-model.js';
import { partitionOf } from '../rows/partition.js';
import type { RetryPolicy } from '../rows/row-fold.js';
import type { RowShape } from '../rows/row-shape.js';
import { BatchSize } from '../running/batch-size.js';
import { thisProcess, type Build } from './builds.js';
import { BuildWriter } from './build-writer.js';
import { FeedPump, type CommitPolicy } from './feed-pump.js';
import { ProgressMeter, type EstimateTotal, type RebuildProgress } from './progress-meter.js';

export interface BuildRunOptions {
  readonly pool: pg.Pool;
  readonly feed: EventFeed;
  readonly model: AnyReadModel;
  readonly shape: RowShape;
  readonly build: Build;
  /** Fold this partition's keys, moving its checkpoint; default: all keys, moving the only checkpoint of a new build. */
  readonly partition?: number | undefined;
  readonly retry: RetryPolicy;
  readonly cachedRows: number;
  readonly log: Log;
  /** Events per second at most. */
  readonly throttle?: number | undefined;
  readonly onProgress?: ((progress: RebuildProgress) => void) | undefined;
  readonly estimateTotal: EstimateTotal;
  readonly signal: AbortSignal;
}

const policy: CommitPolicy = { changedRows: 5_000, events: 50_000, afterMs: 1_000 };
const maxBatch = 4_096;
const backoff = { firstMs: 100, maxMs: 3_000 };

export class BuildRun {
  /** Positions after which a key's events are not folded any more, by the key's id; undefined: all are. */
  cutoff: ((id: string) => bigint) | undefined;
  private writer: BuildWriter | undefined;
  private reader: FeedReader | undefined;
  private lastBatch: readonly RecordedEvent[] = [];
  private readonly batchSize: BatchSize;
  private readonly meter: ProgressMeter;

  constructor(private readonly options: BuildRunOptions) {
    const perTenth = Math.ceil((options.throttle ?? Infinity) / 10);
    this.batchSize = new BatchSize(Math.min(maxBatch, perTenth));
    this.meter = new ProgressMeter(options.estimateTotal, options.onProgress);
  }

  /** Everything up to here is in the table. */
  get position(): bigint {
    return this.writer?.committed ?? beginning;
  }

  get events(): number {
    return this.writer?.events ?? 0;
  }

  /** To the end of the feed as it is now. @throws what `signal` was aborted with */
  async catchUp(): Promise<void> {
    await this.persist((live) => live);
    await this.meter.report(this.events, this.position, true);
  }

  /** At least to `position`. @throws what `signal` was aborted with */
  reach(position: bigint): Promise<void> {
    return this.persist((_, reached) => reached >= position, position);
  }

  async close(): Promise<void> {
    await this.reader?.close();
    this.reader = undefined;
  }

  private async persist(isDone: (live: boolean, reached: bigint) => boolean, enough?: bigint): Promise<void> {
    const { signal, log, model } = this.options;
    for (let failures = 0; ;) {
      signal.throwIfAborted();
      try {
        return await this.run(isDone, enough, () => (failures = 0));
      } catch (error) {
        if (signal.aborted || error instanceof Fenced) throw error;
        const committed = this.position;
        await this.close();
        this.writer = undefined;
        if (isDataError(error)) await this.blame(committed, error);
        else {
          if (failures++ === 0) log.warn(`The rebuild of ${model.name} waits and tries again: ${String(error)}`);
          await pause(fullJitterMs(failures, backoff), signal);
        }
      }
    }
  }

  private async run(
    isDone: (live: boolean, reached: bigint) => boolean,
    enough: bigint | undefined,
    onProgress: () => void,
  ): Promise<void> {
    const { model, feed, signal } = this.options;
    const writer = (this.writer ??= await this.openWriter());
    if (enough !== undefined && writer.committed >= enough) return;
    const failed = new AbortController();
    const end = AbortSignal.any([signal, failed.signal]);
    const pump = new FeedPump({ model, writer, policy, onCommitted: onProgress, onFailure: () => failed.abort() });
    const reader = (this.reader ??= feed.reader(writer.position));
    while (!end.aborted) {
      const batch = await reader.next(this.batchSize.max, end);
      if (end.aborted) break;
      this.lastBatch = batch.events;
      await pump.take(batch, this.batchSize.isSmall);
      this.batchSize.grow();
      await this.meter.report(writer.events, batch.position);
      if (isDone(batch.live, batch.position)) return pump.settle(false);
      await this.meter.holdBack(this.options.throttle, signal);
    }
    await pump.settle(false);
    signal.throwIfAborted();
  }

  private openWriter(): Promise<BuildWriter> {
    const { build, partition } = this.options;
    return BuildWriter.open({
      ...this.options,
      db: this.options.pool,
      partition: partition ?? 0,
      owner: thisProcess,
      accepts: (id, position) =>
        (partition === undefined || build.partitions === 1 || partitionOf(id, build.partitions) === partition) &&
        (!this.cutoff || position <= this.cutoff(id)),
    });
  }

  private async blame(committed: bigint, error: unknown): Promise<void> {
    const [only] = this.lastBatch;
    if (this.batchSize.max > 1 || !only || only.at.position <= committed) return this.batchSize.shrink();
    const writer = await this.openWriter();
    if (writer.committed === committed) await writer.refuse(this.lastBatch, only.at.position, error);
  }
}
