/** Reads of a stream and of `$all` as sequences of events; what goes over the wire is made of them elsewhere. */
import type { EventDatabase } from '../storage/event-database.js';
import { behindLinks, isLink, parseLink } from '../storage/event-database.js';
import type { EventRecord } from '../storage/event-record.js';
import type { StreamEntry } from '../storage/stream-entry.js';
import type { EventFilter } from './event-filter.js';

/** An event, or a link with the event that it points at if that can be read. */
export interface ResolvedEvent {
  readonly event: EventRecord | undefined;
  readonly link: EventRecord | undefined;
}

export function resolve(database: EventDatabase, record: EventRecord, resolveLinks: boolean): ResolvedEvent {
  if (!resolveLinks || !isLink(record)) return { event: record, link: undefined };
  const target = database.linkTarget(record);
  if (target) return { event: target, link: record };
  // Text that cannot be a link is an ordinary event; a link whose target is gone is told as such.
  return parseLink(record) ? { event: undefined, link: record } : { event: record, link: undefined };
}

/** The record that was read: the link where there is one. */
export const original = ({ event, link }: ResolvedEvent): EventRecord | undefined => link ?? event;

export interface StreamRange {
  readonly from: 'start' | 'end' | number;
  readonly backwards: boolean;
  readonly count: number;
}

/** Records of a stream; looks the stream up again after each, so a caller may take its time. */
export function* streamRecords(database: EventDatabase, stream: string, range: StreamRange): Generator<EventRecord> {
  const first = database.entry(stream);
  if (!first) return;
  const last = first.head;
  let left = range.count;
  const step = range.backwards ? -1 : 1;
  let revision = startRevision(database, stream, first, range);
  while (left > 0) {
    const entry = database.entry(stream);
    if (!entry || revision > last || revision < database.firstRevision(stream, entry)) return;
    const record = database.event(stream, entry, revision);
    revision += step;
    if (!record) continue; // scavenged
    left--;
    yield record;
  }
}

function startRevision(
  database: EventDatabase,
  stream: string,
  entry: StreamEntry,
  { from, backwards }: StreamRange,
): number {
  const first = database.firstRevision(stream, entry);
  if (backwards) return from === 'end' ? entry.head : from === 'start' ? 0 : Math.min(from, entry.head);
  return from === 'start' ? first : from === 'end' ? Infinity : Math.max(from, first);
}

/** Walks `$all` forwards from a position on; links of the system streams appear when the filter asks for them. */
export class AllForward {
  private readonly cursor;
  private links: EventRecord[] = [];
  /** Every record before it was looked at. */
  position: number;

  constructor(
    private readonly database: EventDatabase,
    private readonly after: number,
    private readonly filter: EventFilter | undefined,
  ) {
    // A position may be that of a link, which lies inside the record of its event.
    const links = filter?.wantsSystemLinks ?? false;
    const begin = links ? database.log.boundary(Math.max(0, after - behindLinks(0))) : database.log.boundary(after);
    this.cursor = database.log.forward(begin);
    this.position = after;
  }

  /** The next event looked at; `matches` says whether it is wanted. Undefined at the end of what is durable. */
  next(): { record: EventRecord; matches: boolean } | undefined {
    for (;;) {
      const link = this.links.shift();
      const record = link ?? this.cursor.next();
      if (!record) return undefined;
      if (record.isMarker) continue;
      if (!link && this.filter?.wantsSystemLinks) this.links = this.database.systemLinks(record);
      if (record.position < this.after) continue;
      this.position = record.position + 1;
      return { record, matches: this.filter?.matches(record) ?? true };
    }
  }
}

/** Records of `$all` before a position, last first. */
export function* allBackward(
  database: EventDatabase,
  before: number,
  filter: EventFilter | undefined,
): Generator<EventRecord> {
  const links = filter?.wantsSystemLinks ?? false;
  const cursor = database.log.backward(database.log.boundary(before));
  for (let record = cursor.next(); record; record = cursor.next()) {
    if (record.isMarker) continue;
    if (links)
      for (const link of database.systemLinks(record).reverse())
        if (link.position < before && filter?.matches(link)) yield link;
    if (filter?.matches(record) ?? true) yield record;
  }
}
