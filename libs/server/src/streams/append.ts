/**
 * Decides appends, deletes and tombstones as EventStoreDB does (its IndexWriter.CheckCommit):
 *
 *   tombstoned                          -> StreamDeleted
 *   any / stream_exists, ids all known  -> idempotent: the revision and position of the first time
 *   exact / no_stream at the head       -> written, without looking at ids
 *   exact / no_stream below the head    -> idempotent when the events that follow have these very ids, else wrong
 *   some ids known, then new ones       -> wrong
 *
 * A soft-deleted stream is recreated by any, no_stream or its exact last revision: numbering goes on, and its metadata
 * gets `$tb` so that what was deleted stays so. Decisions see what is staged; answers wait until that is durable.
 */
import {
  MaximumAppendSizeExceeded,
  ServerStopping,
  StreamDeleted,
  WrongExpectedRevision,
  type ExpectedRevision,
} from '../errors.js';
import type { EventDatabase } from '../storage/event-database.js';
import { NO_BYTES, type ProposedEvent } from '../storage/record-format.js';
import type { Write } from '../storage/group-commit.js';
import type { StreamEntry } from '../storage/stream-entry.js';
import { randomUUID } from 'node:crypto';
import {
  DELETED_TRUNCATE_BEFORE,
  isMetadataStream,
  metadataStreamOf,
  undeletedMetadata,
  parseStreamMetadata,
} from './stream-metadata.js';

export interface AppendResult {
  /** The stream's last revision as the append left it. */
  readonly revision: number;
  /** Undefined when the server does not tell one. */
  readonly position: number | undefined;
}

type Decision =
  { readonly kind: 'write'; readonly recreates: boolean } | { readonly kind: 'known'; readonly revision: number };

export class StreamWriter {
  constructor(
    private readonly database: EventDatabase,
    readonly maximumAppendSize: number,
  ) {}

  private stopping = false;

  /** From now on everything is refused. */
  stop(): void {
    this.stopping = true;
  }

  async append(stream: string, expected: ExpectedRevision, events: readonly ProposedEvent[]): Promise<AppendResult> {
    let size = 0;
    for (const event of events) size += event.data.length;
    if (size > this.maximumAppendSize) throw new MaximumAppendSizeExceeded(this.maximumAppendSize);
    const entry = await this.decidable(stream);
    let decision: Decision;
    try {
      decision = this.decide(stream, entry, expected, events);
    } catch (error) {
      await this.untilDurable(entry);
      throw error;
    }
    if (decision.kind === 'known') {
      await this.untilDurable(entry);
      return { revision: decision.revision, position: this.positionTold(stream, decision.revision) };
    }
    return this.write(stream, entry, events, decision.recreates);
  }

  /** Soft delete: what is there can no longer be read, and numbering goes on behind it. */
  async delete(stream: string, expected: ExpectedRevision): Promise<number> {
    const entry = await this.decidable(stream);
    this.checkDeletable(stream, entry, expected, false);
    const event = metadataEvent(Buffer.from(`{"$tb":${DELETED_TRUNCATE_BEFORE}}`));
    return this.database.commit.stage([this.database.next(metadataStreamOf(stream), event)]);
  }

  /** Deletes for ever: the name can never be used again. */
  async tombstone(stream: string, expected: ExpectedRevision): Promise<number> {
    const entry = await this.decidable(stream);
    this.checkDeletable(stream, entry, expected, true);
    const event: ProposedEvent = {
      id: randomUUID(),
      type: Buffer.from('$streamDeleted'),
      json: false,
      data: NO_BYTES,
      metadata: NO_BYTES,
    };
    return this.database.commit.stage([
      { entry: this.database.index.getOrCreate(stream), event, revision: 'tombstone' },
    ]);
  }

  /** The stream, once no deletion or change of its metadata is under way. */
  private async decidable(stream: string): Promise<StreamEntry | undefined> {
    if (this.stopping) throw new ServerStopping();
    for (;;) {
      const entry = this.database.entry(stream);
      if (!entry || (!entry.pendingTombstone && entry.pendingMetadata === 0)) return entry;
      await this.database.commit.settled();
    }
  }

  private async untilDurable(entry: StreamEntry | undefined): Promise<void> {
    if (entry && entry.pendingHead !== entry.head) await this.database.commit.settled();
  }

  /** The position of an event that was appended before; not told when it can no longer be read. */
  private positionTold(stream: string, revision: number): number | undefined {
    const entry = this.database.entry(stream);
    if (!entry || revision < this.database.firstRevision(stream, entry)) return undefined;
    const position = this.database.index.position(entry, revision);
    return position < 0 ? undefined : position;
  }

  private async write(
    stream: string,
    entry: StreamEntry | undefined,
    events: readonly ProposedEvent[],
    recreates: boolean,
  ): Promise<AppendResult> {
    const head = entry?.pendingHead ?? -1;
    const writes = events.map((event, i) => this.database.next(stream, event, i));
    const undelete = this.undeletion(stream, head, events, recreates);
    if (undelete) writes.push(undelete);
    const position = this.database.commit.stage(writes);
    // The position is that of the last event; an undeleting metadata event follows it and tells its own.
    const told =
      undelete && events.length > 0
        ? position.then(() =>
            this.database.index.position(this.database.index.getOrCreate(stream), head + events.length),
          )
        : position;
    return { revision: events.length === 0 ? Math.max(head, 0) : head + events.length, position: await told };
  }

  /** The metadata event that makes a soft-deleted stream readable again from its next revision on. */
  private undeletion(
    stream: string,
    head: number,
    events: readonly ProposedEvent[],
    recreates: boolean,
  ): Write | undefined {
    if (recreates) {
      const raw = this.database.metadataOf(this.database.entry(stream), stream).raw;
      return this.database.next(metadataStreamOf(stream), metadataEvent(undeletedMetadata(raw, head + 1)));
    }
    const last = events.at(-1);
    if (!isMetadataStream(stream) || !last) return undefined;
    const owner = stream.slice(2);
    const ownerEntry = this.database.entry(owner);
    if (!ownerEntry || !this.database.metadataOf(ownerEntry, owner).deleted) return undefined;
    const raw = parseStreamMetadata(last.data);
    return raw.deleted
      ? undefined
      : this.database.next(
          stream,
          metadataEvent(undeletedMetadata(raw.raw, ownerEntry.pendingHead + 1)),
          events.length,
        );
  }

  private decide(
    stream: string,
    entry: StreamEntry | undefined,
    expected: ExpectedRevision,
    events: readonly ProposedEvent[],
  ): Decision {
    const head = entry?.pendingHead ?? -1;
    if (entry && entry.tombstoneAt >= 0) throw new StreamDeleted(stream);
    const deleted = this.database.metadataOf(entry, stream).deleted;
    if (expected.kind === 'stream_exists') {
      if (deleted) throw new StreamDeleted(stream);
      if (head < 0 && (entry?.metadataAt ?? -1) < 0) throw new WrongExpectedRevision(stream, expected, -1);
    }
    if (expected.kind === 'any' || expected.kind === 'stream_exists')
      return this.decideById(stream, expected, head, deleted, events);
    const revision = expected.kind === 'exact' ? expected.revision : -1;
    if (revision === head) return { kind: 'write', recreates: deleted };
    if (revision > head || events.length === 0) throw new WrongExpectedRevision(stream, expected, head);
    return this.decideByRevision(stream, expected, revision, head, deleted, events);
  }

  private decideById(
    stream: string,
    expected: ExpectedRevision,
    head: number,
    deleted: boolean,
    events: readonly ProposedEvent[],
  ): Decision {
    const first = events[0];
    let found = first && head >= 0 ? this.database.known(stream, first.id) : undefined;
    if (!found) return { kind: 'write', recreates: deleted };
    for (const event of events.slice(1)) {
      found = this.database.known(stream, event.id);
      if (!found) throw new WrongExpectedRevision(stream, expected, head);
    }
    return { kind: 'known', revision: found.revision };
  }

  private decideByRevision(
    stream: string,
    expected: ExpectedRevision,
    from: number,
    head: number,
    deleted: boolean,
    events: readonly ProposedEvent[],
  ): Decision {
    let revision = from;
    for (const event of events) {
      revision++;
      const found = this.database.known(stream, event.id);
      if (found?.revision === revision) continue;
      const entry = this.database.entry(stream);
      const record = entry && revision <= entry.head ? this.database.event(stream, entry, revision) : undefined;
      if (record?.id === event.id) continue;
      if (revision === from + 1 && expected.kind === 'no_stream' && deleted) return { kind: 'write', recreates: true };
      throw new WrongExpectedRevision(stream, expected, head);
    }
    return { kind: 'known', revision };
  }

  private checkDeletable(
    stream: string,
    entry: StreamEntry | undefined,
    expected: ExpectedRevision,
    forEver: boolean,
  ): void {
    const head = entry?.pendingHead ?? -1;
    if (entry && entry.tombstoneAt >= 0) throw new StreamDeleted(stream);
    const wrong = new WrongExpectedRevision(stream, expected, head);
    if (expected.kind === 'exact' && expected.revision !== head) throw wrong;
    if (expected.kind === 'no_stream' && head >= 0) throw wrong;
    if (forEver) return;
    if (head < 0 && !(expected.kind === 'no_stream' && (entry?.metadataAt ?? -1) >= 0)) throw wrong;
  }
}

function metadataEvent(data: Buffer): ProposedEvent {
  return { id: randomUUID(), type: Buffer.from('$metadata'), json: true, data, metadata: NO_BYTES };
}
