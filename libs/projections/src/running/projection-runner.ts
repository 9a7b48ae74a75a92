/**
 * Owns one partition of one read model in this instance, while it has the lease:
 *
 *   lease gained ─▶ look up what is served ─▶ take the checkpoint over ─▶ follow the feed ─▶ lease lost
 *                        ▲   (paused, or another version's build: wait for a notice)  │
 *                        └──────────── fenced · notice · failure (after a wait) ◀─────┘
 *
 * A poison event is dealt with in the fold (rows/row-fold.ts). When the database refuses rows, commits are made smaller
 * until a single event is left to blame, which is parked. An outage of the database or the event store is waited out.
 */
import { fullJitterMs, pause, type Log } from '@annals/core';
import type { EventFeed, RecordedEvent } from '@annals/event-store';
import type pg from 'pg';
import { findBuild, servedBuilds, thisProcess, type Build } from '../building/builds.js';
import { BuildWriter } from '../building/build-writer.js';
import { FeedPump, type CommitPolicy } from '../building/feed-pump.js';
import { Fenced } from '../errors.js';
import { isDataError } from '../postgres-errors.js';
import type { AnyReadModel } from '../read-model.js';
import { partitionOf } from '../rows/partition.js';
import type { RetryPolicy } from '../rows/row-fold.js';
import type { RowShape } from '../rows/row-shape.js';
import { BatchSize } from './batch-size.js';
import { FoldSpans } from './fold-spans.js';
import type { Positions } from './positions.js';
import type { Lease } from './session.js';

export interface RunnerOptions {
  readonly pool: pg.Pool;
  readonly feed: EventFeed;
  readonly model: AnyReadModel;
  readonly shape: RowShape;
  readonly partition: number;
  readonly positions: Positions;
  readonly retry: RetryPolicy;
  readonly cachedRows: number;
  readonly log: Log;
}

const policy: CommitPolicy = { changedRows: 2_000, events: 20_000, afterMs: 250 };
const backoff = { firstMs: 50, maxMs: 3_000 };

export const leaseName = ({ name, version }: AnyReadModel, partition: number): string =>
  `${name}@${version}/${partition}`;

export class ProjectionRunner implements Lease {
  /** The lease's name. */
  readonly name: string;
  private readonly batchSize = new BatchSize(500);
  private owning: { readonly stop: AbortController; readonly done: Promise<void> } | undefined;
  /** Ends the present turn; the next one looks everything up anew. */
  private turn = new AbortController();

  constructor(private readonly options: RunnerOptions) {
    this.name = leaseName(options.model, options.partition);
  }

  get readModel(): string {
    return this.options.model.name;
  }

  gained(): void {
    const stop = new AbortController();
    this.owning = { stop, done: this.own(stop.signal) };
  }

  async lost(): Promise<void> {
    this.owning?.stop.abort();
    await this.owning?.done;
    this.owning = undefined;
    this.options.positions.forget(this.options.model.name);
  }

  /** Something was changed from outside. */
  reload(): void {
    this.turn.abort();
  }

  private async own(stop: AbortSignal): Promise<void> {
    for (let failures = 0; !stop.aborted;) {
      this.turn = new AbortController();
      try {
        await this.takeTurn(AbortSignal.any([stop, this.turn.signal]), () => (failures = 0));
      } catch (error) {
        if (stop.aborted || error instanceof Fenced) continue;
        await this.report(error, ++failures);
        await pause(fullJitterMs(failures, backoff), stop);
      }
    }
  }

  private async takeTurn(signal: AbortSignal, onProgress: () => void): Promise<void> {
    const { pool, model, partition } = this.options;
    const served = await servedBuilds(pool, model);
    const build = served?.serving === undefined ? undefined : await findBuild(pool, model.name, served.serving);
    const isMine = build && build.version === model.version && partition < build.partitions;
    if (!served || served.paused || !isMine) return aborted(signal);
    const writer = await this.openWriter(build);
    this.options.positions.owned(model.name, build.build, build.partitions, partition, writer.committed);
    try {
      await this.follow(build, writer, signal, onProgress);
    } catch (error) {
      if (!isDataError(error)) throw error;
      await this.blame(build, writer.committed, error);
    }
  }

  private openWriter(build: Build): Promise<BuildWriter> {
    const { model, partition, log } = this.options;
    return BuildWriter.open({
      ...this.options,
      db: this.options.pool,
      build,
      accepts: (id) => build.partitions === 1 || partitionOf(id, build.partitions) === partition,
      owner: thisProcess,
      onParked: ({ scope, recorded, error }) =>
        log.error(`${model.name} parked an event: ${error}`, {
          scope,
          eventId: recorded.at.id,
          type: recorded.event.type,
        }),
    });
  }

  private async follow(build: Build, writer: BuildWriter, signal: AbortSignal, onProgress: () => void): Promise<void> {
    const { model, partition, positions, feed } = this.options;
    const failed = new AbortController();
    const end = AbortSignal.any([signal, failed.signal]);
    const spans = new FoldSpans(model.name, (type) => model.handledBy(type) !== undefined);
    const pump = new FeedPump({
      model,
      writer,
      policy,
      onCommitted: (position) => {
        spans.committed(position);
        this.batchSize.grow();
        onProgress();
        positions.moved(model.name, build.build, partition, position);
      },
      onFailure: () => failed.abort(),
    });
    const reader = feed.reader(writer.position);
    try {
      while (!end.aborted) {
        const batch = await reader.next(this.batchSize.max, end);
        if (end.aborted) break;
        this.pending = batch.events;
        spans.taken(batch.events);
        await pump.take(batch, batch.live || this.batchSize.isSmall);
      }
      // What is folded already need not be folded again by whoever comes next; and a failed commit is thrown here.
      await pump.settle(false);
    } catch (error) {
      spans.failed(error);
      throw error;
    } finally {
      await reader.close();
    }
  }

  /** The batch that was taken last. */
  private pending: readonly RecordedEvent[] = [];

  /** The database refused rows: closes in on the event, and parks it when it is alone. */
  private async blame(build: Build, committed: bigint, error: unknown): Promise<void> {
    const [only] = this.pending;
    if (this.batchSize.max > 1 || !only || only.at.position <= committed) return this.batchSize.shrink();
    const writer = await this.openWriter(build);
    if (writer.committed === committed) await writer.refuse(this.pending, only.at.position, error);
  }

  private async report(error: unknown, failures: number): Promise<void> {
    const { pool, model, partition, log } = this.options;
    const message = error instanceof Error ? error.message : String(error);
    if (failures === 1) log.warn(`${model.name} waits and tries again: ${message}`, { partition });
    // For `status`; when the database itself is the trouble there is nowhere to write it to, and nobody to read it.
    await pool
      .query(
        `update annals.read_model_checkpoint c set error = $4, failed_at = now(), live = false from annals.read_model r
         where r.name = $1 and r.version = $2 and c.name = r.name and c.build = r.serving_build and c.partition = $3`,
        [model.name, model.version, partition, message],
      )
      .catch(() => undefined);
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
