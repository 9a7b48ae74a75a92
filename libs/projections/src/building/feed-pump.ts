/**
 * Takes batches of a feed into a build: decides when to commit.
 *
 * Live, every batch is committed at once: no timer holds back an event, and what comes during a commit forms the next
 * batch. Behind, commits gather many batches (a row that changes often is written once) and run while the next batch is
 * read and folded.
 */
import type { FeedBatch, RecordedEvent } from '@annals/event-store';
import type { AnyReadModel } from '../read-model.js';
import type { BuildWriter } from './build-writer.js';

/** When to commit while there is more to read. */
export interface CommitPolicy {
  readonly changedRows: number;
  readonly events: number;
  readonly afterMs: number;
}

export interface PumpOptions {
  readonly model: AnyReadModel;
  readonly writer: BuildWriter;
  readonly policy: CommitPolicy;
  onCommitted?(position: bigint, live: boolean): void;
  /** A commit failed while nobody waited for it; the next call throws why. */
  onFailure?(): void;
}

export class FeedPump {
  private committing: Promise<void> | undefined;
  private storedLive: boolean | undefined;
  private lastCommitAt = Date.now();
  private readonly rate = new Rate();

  constructor(private readonly options: PumpOptions) {}

  get eventsPerSecond(): number {
    return this.rate.perSecond;
  }

  /** @param commitNow also when there is more to read */
  async take(batch: FeedBatch, commitNow = batch.live): Promise<void> {
    const { model, writer } = this.options;
    for (const segment of segmentsOf(model, batch)) {
      if (segment.sql) {
        await this.settle(false);
        await writer.runSql(segment.events, segment.position, batch.live, this.eventsPerSecond);
        this.committed(batch.live && segment.position === batch.position);
      } else {
        await writer.add(segment.events, segment.position);
      }
    }
    this.rate.count(batch.events.length);
    if (commitNow) await this.settle(batch.live);
    else if (this.isDue()) await this.commitBehind();
  }

  /** Until everything taken is committed. */
  async settle(live: boolean): Promise<void> {
    await this.committing;
    const { writer } = this.options;
    if (writer.position === writer.committed && writer.pendingEvents === 0 && live === (this.storedLive ?? !live))
      return;
    await this.commit(live);
  }

  private async commit(live: boolean): Promise<void> {
    await this.options.writer.commit(live, this.eventsPerSecond);
    this.committed(live);
  }

  private async commitBehind(): Promise<void> {
    await this.committing;
    this.committing = this.commit(false);
    this.committing.catch(() => this.options.onFailure?.());
  }

  private committed(live: boolean): void {
    this.storedLive = live;
    this.lastCommitAt = Date.now();
    this.options.onCommitted?.(this.options.writer.committed, live);
  }

  private isDue(): boolean {
    const { writer, policy } = this.options;
    return (
      writer.changedRows >= policy.changedRows ||
      writer.pendingEvents >= policy.events ||
      Date.now() - this.lastCommitAt >= policy.afterMs
    );
  }
}

interface Segment {
  readonly sql: boolean;
  readonly events: readonly RecordedEvent[];
  /** Everything up to here has been given. */
  readonly position: bigint;
}

/**
 * A batch in runs: events with `sql` handlers apart from all others, in order. A run ends with a position, never inside
 * one: the events that one was split into (upcast) share it, and go into the same commit.
 */
function segmentsOf(model: AnyReadModel, batch: FeedBatch): Segment[] {
  const isSql = ({ event }: RecordedEvent) => model.handledBy(event.type) === 'sql';
  if (!batch.events.some(isSql)) return [{ sql: false, events: batch.events, position: batch.position }];
  const segments: { sql: boolean; events: RecordedEvent[]; position: bigint }[] = [];
  for (const siblings of byPosition(batch.events)) {
    const sql = siblings.events.some(isSql);
    const last = segments.at(-1);
    if (last?.sql === sql) {
      last.events.push(...siblings.events);
      last.position = siblings.position;
    } else {
      segments.push({ sql, ...siblings });
    }
  }
  const last = segments.at(-1);
  if (last) last.position = batch.position;
  return segments;
}

function byPosition(events: readonly RecordedEvent[]): { events: RecordedEvent[]; position: bigint }[] {
  const groups: { events: RecordedEvent[]; position: bigint }[] = [];
  for (const recorded of events) {
    const last = groups.at(-1);
    if (last?.position === recorded.at.position) last.events.push(recorded);
    else groups.push({ events: [recorded], position: recorded.at.position });
  }
  return groups;
}

/** Events per second over about the last seconds. */
class Rate {
  perSecond = 0;
  private since = performance.now();
  private counted = 0;

  count(events: number): void {
    this.counted += events;
    const seconds = (performance.now() - this.since) / 1_000;
    if (seconds < 1) return;
    this.perSecond = this.counted / seconds;
    this.since = performance.now();
    this.counted = 0;
  }
}
