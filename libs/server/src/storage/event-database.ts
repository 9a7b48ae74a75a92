/**
 * The store itself: log, index and group commit put together. It knows streams, revisions and positions, and nothing of the
 * protocol. Reads see exactly what is durable; decisions (see streams/) see also what is staged.
 */
import {
  isMetadataStream,
  METADATA_OF_METADATA,
  NO_METADATA,
  parseStreamMetadata,
  type StreamMetadata,
} from '../streams/stream-metadata.js';
import type { EventRecord } from './event-record.js';
import type { ProposedEvent } from './record-format.js';
import { GroupCommit, type Committed, type CommitEvents, type Write } from './group-commit.js';
import type { IndexStore } from './index-store.js';
import type { Log } from './log.js';
import { PendingIds, type KnownEvent } from './pending-ids.js';
import { RecentIds } from './recent-ids.js';
import type { StreamEntry } from './stream-entry.js';
import { StreamIndex } from './stream-index.js';
import { Watchers } from './watchers.js';
import {
  correlationStreamOf,
  LINK_TYPE,
  listedIn,
  SLOTS,
  systemLink,
  systemStreamKind,
  systemStreamsOf,
} from './system-streams.js';

/** Streams kept in memory, beyond those that changed since the last flush. */
const CACHED_STREAMS = 10_000;
const METADATA_TYPE = '$metadata';

export interface EventDatabaseOptions {
  readonly log: Log;
  readonly indexStore: IndexStore;
  /** Named in errors. */
  readonly description: string;
  /** Asked when the first append is staged: by then what a crash left is read. */
  readonly firstGroup?: () => number;
  /** Called after each group, for whoever flushes the index; the next group is written once that has settled. */
  readonly onPublished?: (events: number) => Promise<void> | undefined;
}

export class EventDatabase implements CommitEvents {
  readonly log: Log;
  readonly index: StreamIndex;
  readonly commit: GroupCommit;
  readonly watchers = new Watchers();
  private readonly ids = new RecentIds();
  private readonly pendingIds = new PendingIds();
  /** The events of a batch go to the same lists. Only within one group: what changed in it cannot be forgotten by the index. */
  private run: { entry: StreamEntry; type: Buffer; lists: readonly StreamEntry[] } | undefined;

  constructor(private readonly options: EventDatabaseOptions) {
    this.log = options.log;
    this.index = new StreamIndex(options.indexStore, CACHED_STREAMS);
    this.commit = new GroupCommit(options.log, this, options.description, options.firstGroup ?? (() => 1));
  }

  // ---- streams

  entry(stream: string): StreamEntry | undefined {
    return this.index.get(stream);
  }

  metadataOf(entry: StreamEntry | undefined, stream: string): StreamMetadata {
    if (isMetadataStream(stream)) return METADATA_OF_METADATA;
    if (!entry || entry.metadataAt < 0) return NO_METADATA;
    if (!entry.metadata) {
      const record = this.log.recordAt(entry.metadataAt);
      entry.metadata = record ? parseStreamMetadata(record.data) : NO_METADATA;
    }
    return entry.metadata;
  }

  isTombstoned(stream: string): boolean {
    return (this.index.get(stream)?.tombstoneAt ?? -1) >= 0;
  }

  /** The event at a revision: from the log, or a link made for it when the stream is one of the system's. */
  event(stream: string, entry: StreamEntry, revision: number): EventRecord | undefined {
    const position = this.index.position(entry, revision);
    const record = position < 0 ? undefined : this.log.recordAt(position);
    return record && this.seenIn(stream, revision, record);
  }

  private seenIn(stream: string, revision: number, record: EventRecord): EventRecord {
    const kind = systemStreamKind(stream);
    if (kind === undefined || record.stream === stream) return record;
    return systemLink(kind, stream, revision, record, (link) => this.linkTarget(link));
  }

  /** The links that system streams hold to the event, in the order of their positions. */
  systemLinks(record: EventRecord): EventRecord[] {
    const links: EventRecord[] = [];
    for (const [kind, name] of systemStreamsOf(record, record.stream, this.isSoftDeletion(record))) {
      const entry = this.index.get(name);
      if (!entry) continue;
      const revision = this.index.revisionAt(entry, record.position);
      links.push(systemLink(kind, name, revision, record, (link) => this.linkTarget(link)));
    }
    return links.sort((a, b) => a.position - b.position);
  }

  /** The event that a link (`revision@stream`) points at, if it can be read. Links to metadata resolve only from the server's own links. */
  linkTarget(link: EventRecord): EventRecord | undefined {
    const target = parseLink(link);
    if (!target) return undefined;
    return this.readable(
      target.stream,
      target.revision === -1 ? (this.index.get(target.stream)?.head ?? -1) : target.revision,
    );
  }

  /** The event at a revision unless it is truncated, deleted or too old. */
  readable(stream: string, revision: number): EventRecord | undefined {
    const entry = this.index.get(stream);
    if (!entry || entry.tombstoneAt >= 0 || revision > entry.head) return undefined;
    if (isMetadataStream(stream) && this.isTombstoned(stream.slice(2))) return undefined;
    if (revision < this.firstRevision(stream, entry)) return undefined;
    return this.event(stream, entry, revision);
  }

  /** The first revision that reads may show; `head + 1` when there is none. */
  firstRevision(stream: string, entry: StreamEntry): number {
    const metadata = this.metadataOf(entry, stream);
    if (metadata.deleted) return entry.head + 1;
    let first = Math.min(metadata.truncateBefore, entry.head + 1);
    if (metadata.maxCount !== undefined) first = Math.max(first, entry.head - metadata.maxCount + 1);
    if (metadata.maxAgeMs !== undefined) first = this.firstYoungerThan(entry, first, Date.now() - metadata.maxAgeMs);
    return Math.max(0, first);
  }

  private firstYoungerThan(entry: StreamEntry, from: number, createdMs: number): number {
    let low = from;
    let high = entry.head + 1;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const record = this.log.recordAt(this.index.position(entry, middle));
      if (!record || record.createdMs < createdMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  // ---- idempotence

  /** Where an event with this id first stood in this stream, durable or staged, if it is among those remembered. */
  known(stream: string, id: string): KnownEvent | undefined {
    let first: KnownEvent | undefined;
    for (const position of this.ids.candidates(id)) {
      if (first && first.position < position) continue;
      const record = this.log.recordAt(position);
      if (record && record.id === id && record.stream === stream && !record.isTombstone)
        first = { revision: record.revision, position };
    }
    return first ?? this.pendingIds.get(id, stream);
  }

  /** Takes in the ids of events that are indexed already: those from about `from` on, before `until`. */
  rememberIds(from: number, until: number): void {
    const chunk = this.log.chunkOf(Math.max(from, this.log.start));
    if (!chunk) return;
    const cursor = this.log.forward(chunk.start);
    for (let record = cursor.next(); record && record.position < until; record = cursor.next())
      if (!record.isMarker && !record.isTombstone) this.ids.add(record.id, record.position);
  }

  // ---- writing

  /** A write that takes the next revision of its stream once it is staged. */
  next(stream: string, event: ProposedEvent, ahead = 0): Write {
    const entry = this.index.getOrCreate(stream);
    return { entry, event, revision: entry.pendingHead + 1 + ahead };
  }

  staged(writes: readonly Write[]): void {
    for (const { entry, event, revision } of writes) {
      entry.pins++;
      if (revision === 'tombstone') entry.pendingTombstone = true;
      else {
        entry.pendingHead = revision;
        this.pendingIds.add(event.id, entry.name, revision);
      }
      if (isMetadataStream(entry.name)) {
        const owner = this.index.getOrCreate(entry.name.slice(2));
        owner.pendingMetadata++;
        owner.pins++;
      }
    }
  }

  undone(writes: readonly Write[]): void {
    for (const write of writes) {
      this.release(write);
      write.entry.pendingHead = write.entry.head;
      write.entry.pendingTombstone = false;
    }
  }

  published(committed: readonly Committed[]): Promise<void> | undefined {
    for (const { write, record } of committed) {
      const { entry, event } = write;
      this.release(write);
      if (record.isTombstone) entry.pendingTombstone = false;
      this.apply(record, entry, event);
    }
    this.run = undefined;
    this.watchers.notify();
    return this.options.onPublished?.(committed.length);
  }

  private release({ entry, event }: Write): void {
    entry.pins--;
    this.pendingIds.delete(event.id, entry.name);
    if (!isMetadataStream(entry.name)) return;
    const owner = this.index.getOrCreate(entry.name.slice(2));
    owner.pendingMetadata--;
    owner.pins--;
  }

  /**
   * Indexes a durable record; also used when the log is read again at the start, so it must bear repetition.
   * @param event what the record was made from, where that is still known: it spares taking the record apart
   */
  apply(record: EventRecord, entry = this.index.getOrCreate(record.stream), event?: ProposedEvent): void {
    const position = record.position;
    const stream = entry.name;
    if (record.isTombstone) {
      entry.tombstoneAt = position;
      this.index.touch(entry);
    } else {
      this.index.add(entry, position);
      this.ids.add(event?.id ?? record.id, position);
    }
    this.watchers.wake(stream);
    let deletion = false;
    if (isMetadataStream(stream)) {
      const owner = this.index.getOrCreate(stream.slice(2));
      if (position > owner.metadataAt) {
        owner.metadataAt = position;
        owner.metadata = undefined;
        this.index.touch(owner);
      }
      deletion = this.isSoftDeletion(record);
      this.watchers.wake(owner.name);
    }
    for (const list of this.listsOf(record, entry, event, deletion)) this.list(list, position);
    const correlation = record.isTombstone || deletion ? undefined : correlationStreamOf(record, stream);
    if (correlation !== undefined) this.list(this.index.getOrCreate(correlation), position);
  }

  private list(list: StreamEntry, position: number): void {
    this.index.add(list, position);
    this.watchers.wake(list.name);
  }

  /** The system streams, but for that of the correlation, which differs from event to event. */
  private listsOf(
    record: EventRecord,
    entry: StreamEntry,
    event: ProposedEvent | undefined,
    deletion: boolean,
  ): readonly StreamEntry[] {
    const { run } = this;
    if (run && event && !deletion && run.entry === entry && run.type === event.type && !record.isTombstone)
      return run.lists;
    const lists = listedIn(record, entry.name, deletion).map(([, name]) => this.index.getOrCreate(name));
    // The first event of a stream is listed in more than those that follow.
    const repeats = event && !deletion && !record.isTombstone && record.revision > 0;
    this.run = repeats ? { entry, type: event.type, lists } : undefined;
    return lists;
  }

  private isSoftDeletion(record: EventRecord): boolean {
    return record.stream.startsWith('$$') && record.type === METADATA_TYPE && parseStreamMetadata(record.data).deleted;
  }
}

/** `revision@stream`, where -1 stands for the last one; undefined for text that cannot be a link. */
export function parseLink(link: EventRecord): { readonly stream: string; readonly revision: number } | undefined {
  const [, number, stream] = /^(-?\d{1,19})@(.*)$/s.exec(link.data.toString('utf8')) ?? [];
  return number === undefined || stream === undefined ? undefined : { stream, revision: Number(number) };
}

export const isLink = (record: EventRecord): boolean => record.typeBytes.length === 2 && record.type === LINK_TYPE;
/** Behind the last link that can be made for the event at `position`. */
export const behindLinks = (position: number): number => position + SLOTS;
