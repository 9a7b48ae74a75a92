/** Where a group reads from: a stream or `$all`, one event after the other, up to what is durable now. */
import type { EventDatabase } from '../storage/event-database.js';
import type { EventRecord } from '../storage/event-record.js';
import { EventFilter } from '../streams/event-filter.js';
import { AllForward } from '../streams/read.js';
import type { GroupSettings } from './settings.js';

export interface SourcedEvent {
  readonly record: EventRecord;
  readonly sequence: number;
}

export interface EventSource {
  next(): SourcedEvent | undefined;
  /** Everything up to here was looked at; moves over events that the filter leaves out. */
  readonly lookedAt: number;
  watch(wake: () => void): () => void;
}

/** @param checkpoint the last sequence that is done with; undefined: begin where the settings say */
export function openSource(
  database: EventDatabase,
  stream: string,
  settings: GroupSettings,
  checkpoint: number | undefined,
): EventSource {
  return stream === '$all'
    ? new AllEvents(database, settings, checkpoint)
    : new StreamEvents(database, stream, settings, checkpoint);
}

class StreamEvents implements EventSource {
  private revision: number;
  private tombstoneGiven = false;
  lookedAt: number;

  constructor(
    private readonly database: EventDatabase,
    private readonly stream: string,
    { startFrom }: GroupSettings,
    checkpoint: number | undefined,
  ) {
    const entry = database.entry(stream);
    if (checkpoint !== undefined) this.revision = checkpoint + 1;
    else this.revision = startFrom === 'start' ? 0 : startFrom === 'end' ? (entry?.head ?? -1) + 1 : startFrom;
    this.lookedAt = this.revision - 1;
    this.tombstoneGiven = (entry?.tombstoneAt ?? -1) >= 0;
  }

  next(): SourcedEvent | undefined {
    const { database, stream } = this;
    for (;;) {
      const entry = database.entry(stream);
      if (!entry) return undefined;
      if (entry.tombstoneAt >= 0) {
        const record = this.tombstoneGiven ? undefined : database.log.recordAt(entry.tombstoneAt);
        this.tombstoneGiven = true;
        return record && { record, sequence: entry.head + 1 };
      }
      this.revision = Math.max(this.revision, database.firstRevision(stream, entry));
      if (this.revision > entry.head) return undefined;
      const sequence = this.revision++;
      this.lookedAt = sequence;
      const record = database.event(stream, entry, sequence);
      if (record) return { record, sequence };
    }
  }

  watch(wake: () => void): () => void {
    return this.database.watchers.watchStream(this.stream, wake);
  }
}

class AllEvents implements EventSource {
  private readonly events: AllForward;
  lookedAt: number;

  constructor(
    private readonly database: EventDatabase,
    { startFrom, filter }: GroupSettings,
    checkpoint: number | undefined,
  ) {
    const end = database.log.end;
    const from =
      checkpoint !== undefined ? checkpoint + 1 : startFrom === 'start' ? 0 : startFrom === 'end' ? end : startFrom;
    this.events = new AllForward(database, Math.min(from, end), filter && new EventFilter(filter));
    this.lookedAt = Math.min(from, end) - 1;
  }

  next(): SourcedEvent | undefined {
    for (let next = this.events.next(); next; next = this.events.next()) {
      this.lookedAt = next.record.position;
      // What groups write about themselves must not wake them again for ever.
      if (next.matches && !next.record.stream.startsWith('$persistentsubscription-'))
        return { record: next.record, sequence: next.record.position };
    }
    return undefined;
  }

  watch(wake: () => void): () => void {
    return this.database.watchers.watchAll(wake);
  }
}
