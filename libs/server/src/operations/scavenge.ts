/**
 * Scavenging gives back the space of events that can no longer be read: truncated ($maxCount, $maxAge, $tb), soft-deleted or
 * tombstoned. Chunk after chunk is rewritten without them while the server serves; positions and revisions never change.
 * What is kept always: the last event of each stream (it carries the numbering), tombstones, and latest metadata.
 *
 *   idle -- start --> running -- last chunk --> idle       running -- stop --> idle after the chunk in hand
 */
import { randomUUID } from 'node:crypto';
import type { Chunk } from '../storage/chunk.js';
import type { EventDatabase } from '../storage/event-database.js';
import type { EventRecord } from '../storage/event-record.js';
import { isMetadataStream } from '../streams/stream-metadata.js';

export interface ScavengeReport {
  readonly id: string;
  readonly chunks: number;
  readonly removedEvents: number;
  readonly freedBytes: number;
}

interface Run {
  readonly id: string;
  stopped: boolean;
  readonly finished: Promise<ScavengeReport>;
}

const PAUSE_AFTER = 2000;

export class Scavenger {
  private run: Run | undefined;
  last: ScavengeReport | undefined;

  constructor(private readonly database: EventDatabase) {}

  get runningId(): string | undefined {
    return this.run?.id;
  }

  /** Starts a scavenge, or returns the one that runs. */
  start(): { readonly id: string; readonly finished: Promise<ScavengeReport> } {
    if (this.run) return this.run;
    const id = randomUUID();
    const run: Run = { id, stopped: false, finished: Promise.resolve().then(() => this.scavenge(run)) };
    this.run = run;
    run.finished.then(
      (report) => {
        this.last = report;
        this.run = undefined;
      },
      () => (this.run = undefined), // whoever started it is told; the next run begins anew
    );
    return run;
  }

  /** Ends the running scavenge after the chunk in hand; false when none with this id runs. */
  async stop(id: string): Promise<boolean> {
    if (this.run?.id !== id) return false;
    await this.halt();
    return true;
  }

  async halt(): Promise<void> {
    const { run } = this;
    if (!run) return;
    run.stopped = true;
    await run.finished.catch(() => undefined);
  }

  private async scavenge(run: Run): Promise<ScavengeReport> {
    const { log, commit } = this.database;
    // What stands in the chunk that grows can only be freed once that no longer grows.
    await commit.exclusively(() => log.roll(true));
    let chunks = 0;
    let removedEvents = 0;
    let freedBytes = 0;
    for (const chunk of log.completed) {
      if (run.stopped) break;
      const removed = await this.countRemovable(chunk, run);
      if (removed.events === 0 || run.stopped) continue;
      await log.replace(chunk, this.kept(chunk));
      chunks++;
      removedEvents += removed.events;
      freedBytes += removed.bytes;
    }
    return { id: run.id, chunks, removedEvents, freedBytes };
  }

  private async countRemovable(chunk: Chunk, run: Run): Promise<{ events: number; bytes: number }> {
    let events = 0;
    let bytes = 0;
    let seen = 0;
    for (const record of this.records(chunk)) {
      if (run.stopped) break;
      if (++seen % PAUSE_AFTER === 0) await new Promise((resolve) => setImmediate(resolve));
      if (this.mustKeep(record)) continue;
      events++;
      bytes += record.length;
    }
    return { events, bytes };
  }

  private *kept(chunk: Chunk): Generator<EventRecord> {
    for (const record of this.records(chunk)) if (this.mustKeep(record)) yield record;
  }

  private *records(chunk: Chunk): Generator<EventRecord> {
    const cursor = this.database.log.forward(chunk.start);
    for (let record = cursor.next(); record && record.position < chunk.end; record = cursor.next()) yield record;
  }

  private mustKeep(record: EventRecord): boolean {
    if (record.isMarker) return false;
    if (record.isTombstone) return true;
    const { stream } = record;
    const entry = this.database.entry(stream);
    if (!entry) return true;
    if (entry.tombstoneAt >= 0) return false;
    const { revision } = record;
    if (revision === entry.head) return true;
    if (isMetadataStream(stream) && this.database.entry(stream.slice(2))?.metadataAt === record.position) return true;
    return revision >= this.database.firstRevision(stream, entry);
  }
}
