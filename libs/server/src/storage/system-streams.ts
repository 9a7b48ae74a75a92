/**
 * The streams that EventStoreDB's standard projections make ($ce-, $et-, $bc-, $category-, $streams), without the projections:
 * an event is listed in them when it is indexed, and the link event that a reader expects is made when it is read. So they
 * are never behind and take only an index entry. A link's position lies inside its event's record: record + slot.
 */
import { EventRecord } from './event-record.js';
import type { ProposedEvent } from './record-format.js';
import { eventRecordBytes } from './record-writer.js';

export type SystemStreamKind = 'category' | 'type' | 'streams' | 'correlation' | 'categoryMember';

const KINDS: Readonly<
  Record<SystemStreamKind, { readonly prefix: string; readonly slot: number; readonly type: string }>
> = {
  category: { prefix: '$ce-', slot: 1, type: '$>' },
  type: { prefix: '$et-', slot: 2, type: '$>' },
  streams: { prefix: '$streams', slot: 3, type: '$>' },
  correlation: { prefix: '$bc-', slot: 4, type: '$>' },
  categoryMember: { prefix: '$category-', slot: 5, type: '$@' },
};
/** More than any slot, less than any record's length: `position + SLOTS` lies behind all links of the event at `position`. */
export const SLOTS = 8;

export const LINK_TYPE = '$>';
const LINK_TO_STREAM = '$@';
const DELETED_TYPE = '$streamDeleted';
const METADATA_TYPE = '$metadata';

export function systemStreamKind(name: string): SystemStreamKind | undefined {
  if (!name.startsWith('$')) return undefined;
  if (name.startsWith('$ce-')) return 'category';
  if (name.startsWith('$et-')) return 'type';
  if (name.startsWith('$bc-')) return 'correlation';
  if (name.startsWith('$category-')) return 'categoryMember';
  return name === '$streams' ? 'streams' : undefined;
}

/** The part before the first dash; system streams have none. */
export function categoryOf(stream: string): string | undefined {
  const dash = stream.indexOf('-');
  return dash > 0 && !stream.startsWith('$') ? stream.slice(0, dash) : undefined;
}

const CORRELATION_KEY = '"$correlationId"';

export function correlationOf(metadata: Buffer): string | undefined {
  if (metadata.length < CORRELATION_KEY.length || !metadata.includes(CORRELATION_KEY, 0, 'latin1')) return undefined;
  try {
    const id = (JSON.parse(metadata.toString('utf8')) as Record<string, unknown> | null)?.['$correlationId'];
    return typeof id === 'string' && id !== '' ? id : undefined;
  } catch {
    return undefined; // binary metadata that happens to contain the key
  }
}

/** The names of the system streams that link to the event. `deletion` says that it soft-deletes a stream. */
export function systemStreamsOf(record: EventRecord, stream: string, deletion: boolean): [SystemStreamKind, string][] {
  const lists = listedIn(record, stream, deletion);
  const correlation = record.isTombstone || deletion ? undefined : correlationStreamOf(record, stream);
  if (correlation !== undefined) lists.push(['correlation', correlation]);
  return lists;
}

/** `$bc-<id>`, when the event has a correlation id. */
export function correlationStreamOf(record: EventRecord, stream: string): string | undefined {
  if (stream.startsWith('$')) return undefined;
  const id = correlationOf(record.metadata);
  return id === undefined ? undefined : `$bc-${id}`;
}

/** All others. Depends on the stream, the type and whether it is the stream's first event. */
export function listedIn(record: EventRecord, stream: string, deletion: boolean): [SystemStreamKind, string][] {
  const lists: [SystemStreamKind, string][] = [];
  if (record.isTombstone || deletion) {
    const category = categoryOf(deletion ? stream.slice(2) : stream);
    if (category !== undefined) lists.push(['category', `$ce-${category}`]);
    return lists;
  }
  if (stream.startsWith('$')) return lists;
  const category = categoryOf(stream);
  if (category !== undefined) {
    lists.push(['category', `$ce-${category}`]);
    if (record.revision === 0) lists.push(['categoryMember', `$category-${category}`]);
  }
  if (record.revision === 0) lists.push(['streams', '$streams']);
  const type = record.type;
  if (type !== LINK_TYPE && type !== LINK_TO_STREAM && type !== DELETED_TYPE && type !== METADATA_TYPE)
    lists.push(['type', `$et-${type}`]);
  return lists;
}

/** `revision@stream`; the revision of a tombstone is 2^63-1. */
const targetOf = (record: EventRecord): string =>
  `${record.isTombstone ? '9223372036854775807' : record.revision}@${record.stream}`;

/**
 * The link event for `record` in a system stream.
 * @param resolve finds the target of a link: a link that lies in a category is repeated there, not linked to.
 */
export function systemLink(
  kind: SystemStreamKind,
  name: string,
  revision: number,
  record: EventRecord,
  resolve: (link: EventRecord) => EventRecord | undefined,
): EventRecord {
  const { slot, type } = KINDS[kind];
  const stream = record.stream;
  const deletion = record.isTombstone || stream.startsWith('$$');
  const owner = stream.startsWith('$$') ? stream.slice(2) : stream;
  const isLink = kind === 'category' && record.type === LINK_TYPE;
  const cause = isLink ? resolve(record) : record;
  const target = kind === 'categoryMember' ? stream : cause ? targetOf(cause) : '-1@';
  const correlation = cause && !deletion ? correlationOf(cause.metadata) : undefined;
  const metadata = {
    $v: '1:-1:1:4',
    $c: record.position,
    $p: record.position,
    ...(kind === 'category' ? { $o: owner } : {}),
    ...(deletion ? { $deleted: -1 } : {}),
    ...(cause ? { $causedBy: cause.id } : {}),
    ...(correlation === undefined ? {} : { $correlationId: correlation }),
  };
  const id = record.id;
  const event: ProposedEvent = {
    id: `${id.slice(0, 14)}8${slot}${id.slice(16)}`,
    type: Buffer.from(type),
    json: false,
    data: Buffer.from(target),
    metadata: Buffer.from(JSON.stringify(metadata)),
  };
  return standalone(event, name, revision, record.position + slot, record.createdMs);
}

function standalone(
  event: ProposedEvent,
  stream: string,
  revision: number,
  position: number,
  createdMs: number,
): EventRecord {
  return new EventRecord(eventRecordBytes(event, { stream: Buffer.from(stream), revision, position, createdMs }, 0), 0);
}
