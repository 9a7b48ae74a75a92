/** Writes records, see record-format.ts. On the way of every append: what repeats within a batch is made once. */
import { crc32 } from 'node:zlib';
import { varintLength, writeVarint } from '../protocol/protobuf.js';
import {
  FLAG_BEGINS_GROUP,
  FLAG_JSON,
  FLAG_MORE,
  HEADER,
  KIND_EVENT,
  KIND_MARKER,
  KIND_TOMBSTONE,
  MARKER_LENGTH,
  TRAILER,
  TYPE_KEY,
  type Placement,
  type ProposedEvent,
} from './record-format.js';

const TOMBSTONE_VARINT = Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]);
const CONTENT_KEY = Buffer.from('\x0a\x0ccontent-type\x12', 'latin1');
const CREATED_KEY = Buffer.from('\x0a\x07created\x12', 'latin1');
const JSON_TYPE = Buffer.from('application/json');
const BINARY_TYPE = Buffer.from('application/octet-stream');
/** `created` in ticks of 100 ns has 17 digits until the year 2286. */
const CREATED_DIGITS = 17;
const ID_FIELD_LENGTH = 40;
/** All of a record that is neither a name nor a payload, at its longest. */
const MOST_OVERHEAD = 320;

/** At least as much as the record of the event takes, wherever it will stand. */
export const mostRecordLength = (event: ProposedEvent, streamLength: number): number =>
  MOST_OVERHEAD + streamLength + event.type.length + event.metadata.length + event.data.length;

const entryLength = (key: Buffer, value: number): number => key.length + varintLength(value) + value;
const fieldLength = (value: number): number => 1 + varintLength(value) + value;
const revisionLength = (revision: number | 'tombstone'): number =>
  revision === 'tombstone' ? TOMBSTONE_VARINT.length : varintLength(revision);

/** The fields between id and revision: stream, type, content type, time. Events of a batch usually share them. */
export function sharedFields(
  { type, json }: ProposedEvent,
  { stream, createdMs }: Pick<Placement, 'stream' | 'createdMs'>,
): Buffer {
  const content = json ? JSON_TYPE : BINARY_TYPE;
  const identifier = fieldLength(stream.length);
  const out = Buffer.allocUnsafe(
    fieldLength(identifier) +
      fieldLength(entryLength(TYPE_KEY, type.length)) +
      fieldLength(entryLength(CONTENT_KEY, content.length)) +
      fieldLength(entryLength(CREATED_KEY, CREATED_DIGITS)),
  );
  out[0] = 0x12;
  let offset = writeVarint(out, 1, identifier);
  offset = writeBytes(out, offset, 0x1a, stream);
  offset = writeEntry(out, offset, TYPE_KEY, type);
  offset = writeEntry(out, offset, CONTENT_KEY, content);
  writeEntry(out, offset, CREATED_KEY, Buffer.from(`${createdMs}0000`, 'latin1'));
  return out;
}

function writeEntry(out: Buffer, at: number, key: Buffer, value: Buffer): number {
  let offset = at;
  out[offset++] = 0x32;
  offset = writeVarint(out, offset, entryLength(key, value.length));
  key.copy(out, offset);
  offset = writeVarint(out, offset + key.length, value.length);
  value.copy(out, offset);
  return offset + value.length;
}

function writeBytes(out: Buffer, at: number, tag: number, value: Buffer): number {
  out[at] = tag;
  const offset = writeVarint(out, at + 1, value.length);
  if (value.length > 0) value.copy(out, offset);
  return offset + value.length;
}

/** The length of the RecordedEvent message. */
function recordedEventLength(event: ProposedEvent, at: Placement, shared: Buffer): number {
  return (
    ID_FIELD_LENGTH +
    shared.length +
    (1 + revisionLength(at.revision)) +
    2 * (1 + varintLength(at.position)) +
    fieldLength(event.metadata.length) +
    fieldLength(event.data.length)
  );
}

/** Writes the RecordedEvent message and returns the offset behind it. */
function writeRecordedEvent(out: Buffer, start: number, event: ProposedEvent, at: Placement, shared: Buffer): number {
  let offset = start;
  out[offset] = 0x0a;
  out[offset + 1] = 0x26;
  out[offset + 2] = 0x12;
  out[offset + 3] = 0x24;
  out.write(event.id, offset + 4, 36, 'latin1');
  offset += ID_FIELD_LENGTH;
  shared.copy(out, offset);
  offset += shared.length;
  out[offset++] = 0x18;
  if (at.revision === 'tombstone') offset += TOMBSTONE_VARINT.copy(out, offset);
  else offset = writeVarint(out, offset, at.revision);
  out[offset++] = 0x20;
  offset = writeVarint(out, offset, at.position);
  out[offset++] = 0x28;
  offset = writeVarint(out, offset, at.position);
  offset = writeBytes(out, offset, 0x3a, event.metadata);
  return writeBytes(out, offset, 0x42, event.data);
}

/** A RecordedEvent alone, as it stands in the event's record. */
export function recordedEvent(event: ProposedEvent, at: Placement): Buffer {
  const shared = sharedFields(event, at);
  const out = Buffer.allocUnsafe(recordedEventLength(event, at, shared));
  writeRecordedEvent(out, 0, event, at, shared);
  return out;
}

const readEventLength = (recorded: number, position: number): number =>
  1 + varintLength(recorded) + recorded + 1 + varintLength(position);

export interface RecordOptions {
  readonly group: number;
  /** Whether it is the first of its group. */
  readonly begins: boolean;
  /** More records of the same append follow; all of them hold, or none. */
  readonly more: boolean;
}

/** Writes a whole record at `start` and returns the offset behind it. */
export function writeEventRecord(
  out: Buffer,
  start: number,
  event: ProposedEvent,
  at: Placement,
  options: RecordOptions,
  shared = sharedFields(event, at),
): number {
  const recorded = recordedEventLength(event, at, shared);
  const inner = readEventLength(recorded, at.position);
  const message = fieldLength(inner);
  let offset = start + HEADER;
  out[offset++] = 0;
  offset = out.writeUInt32BE(message, offset);
  out[offset++] = 0x0a;
  offset = writeVarint(out, offset, inner);
  out[offset++] = 0x0a;
  offset = writeVarint(out, offset, recorded);
  offset = writeRecordedEvent(out, offset, event, at, shared);
  out[offset++] = 0x18;
  offset = writeVarint(out, offset, at.position);
  const tombstone = at.revision === 'tombstone';
  writeHeader(out, start, offset + TRAILER - start, {
    kind: tombstone ? KIND_TOMBSTONE : KIND_EVENT,
    flags: (options.begins ? FLAG_BEGINS_GROUP : 0) | (options.more ? FLAG_MORE : 0) | (event.json ? FLAG_JSON : 0),
    position: at.position,
    revision: at.revision === 'tombstone' ? 0 : at.revision,
    createdMs: at.createdMs,
    group: options.group,
    stream: at.stream.length,
    type: event.type.length,
    metadata: event.metadata.length,
    data: event.data.length,
  });
  return offset + TRAILER;
}

/** A record of its own, for those that are not in the log: links that are made when they are read, events that are moved. */
export function eventRecordBytes(event: ProposedEvent, at: Placement, group: number): Buffer {
  const shared = sharedFields(event, at);
  const inner = readEventLength(recordedEventLength(event, at, shared), at.position);
  const out = Buffer.allocUnsafe(HEADER + 5 + fieldLength(inner) + TRAILER);
  writeEventRecord(out, 0, event, at, { group, begins: false, more: false }, shared);
  return out;
}

export function writeMarker(
  out: Buffer,
  start: number,
  position: number,
  createdMs: number,
  { group, begins }: RecordOptions,
): number {
  writeHeader(out, start, MARKER_LENGTH, {
    kind: KIND_MARKER,
    flags: begins ? FLAG_BEGINS_GROUP : 0,
    position,
    revision: 0,
    createdMs,
    group,
    stream: 0,
    type: 0,
    metadata: 0,
    data: 0,
  });
  return start + MARKER_LENGTH;
}

interface Header {
  readonly kind: number;
  readonly flags: number;
  readonly position: number;
  readonly revision: number;
  readonly createdMs: number;
  readonly group: number;
  /** Lengths in bytes. */
  readonly stream: number;
  readonly type: number;
  readonly metadata: number;
  readonly data: number;
}

function writeHeader(out: Buffer, start: number, length: number, header: Header): void {
  out.writeUInt32LE(length, start);
  out.writeUIntLE(header.position, start + 8, 6);
  out[start + 14] = header.kind;
  out[start + 15] = header.flags;
  out.writeUIntLE(header.revision, start + 16, 6);
  out.writeUIntLE(header.createdMs, start + 22, 6);
  out.writeUInt16LE(header.stream, start + 28);
  out.writeUInt16LE(header.type, start + 30);
  out.writeUInt32LE(header.metadata, start + 32);
  out.writeUInt32LE(header.data, start + 36);
  out.writeUIntLE(header.group, start + 40, 6);
  out.writeUInt16LE(0, start + 46);
  out.writeUInt32LE(length, start + length - TRAILER);
  out.writeUInt32LE(crc32(out.subarray(start + 8, start + length)), start + 4);
}
