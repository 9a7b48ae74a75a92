/**
 * One record of the log. An event's record holds the very gRPC frame that a read answers with, so reading is copying:
 *
 *   header (48 bytes, below) | frame: 0, u32 length, ReadResp{ event: ReadEvent{ event: RecordedEvent, commit_position } } | u32 length
 *
 * The RecordedEvent always begins with the id as a string of 36 characters, then the stream's name, type, content type and
 * time, so that they are found without parsing. The trailing length allows walking backwards. A marker is a record without
 * a frame: it takes a position and nothing more (an append without events does that in EventStoreDB).
 */
import { crc32 } from 'node:zlib';
import { varintLength, writeVarint } from '../protocol/protobuf.js';

export const HEADER = 48;
export const TRAILER = 4;
export const KIND_EVENT = 1;
export const KIND_MARKER = 2;
/** The last event of a stream for ever; its revision is 2^63-1. */
export const KIND_TOMBSTONE = 3;
const FLAG_MORE = 1;
const FLAG_JSON = 2;
const FLAG_BEGINS_GROUP = 4;

export const TOMBSTONE_REVISION = 2n ** 63n - 1n;
const TOMBSTONE_VARINT = Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]);
const ID_FIELD = Buffer.from([0x0a, 0x26, 0x12, 0x24]);
const TYPE_KEY = Buffer.from('\x0a\x04type\x12', 'latin1');
const CONTENT_KEY = Buffer.from('\x0a\x0ccontent-type\x12', 'latin1');
const CREATED_KEY = Buffer.from('\x0a\x07created\x12', 'latin1');
const JSON_TYPE = Buffer.from('application/json');
const BINARY_TYPE = Buffer.from('application/octet-stream');
const EMPTY = Buffer.alloc(0);

/** An event as it was proposed. Names are UTF-8 bytes, `id` is the lower-case text form. */
export interface ProposedEvent {
  readonly id: string;
  readonly type: Buffer;
  readonly json: boolean;
  readonly data: Buffer;
  readonly metadata: Buffer;
}

export interface Placement {
  readonly stream: Buffer;
  /** A number, or `tombstone`. */
  readonly revision: number | 'tombstone';
  readonly position: number;
  readonly createdMs: number;
}

export const NO_BYTES = EMPTY;

const entryLength = (key: Buffer, value: number): number => key.length + varintLength(value) + value;
const revisionLength = (revision: number | 'tombstone'): number =>
  revision === 'tombstone' ? TOMBSTONE_VARINT.length : varintLength(revision);

/** The length of the RecordedEvent message. `created` has 17 digits until the year 2286. */
export function recordedEventLength(event: ProposedEvent, at: Placement): number {
  const name = at.stream.length;
  const identifier = 1 + varintLength(name) + name;
  const type = entryLength(TYPE_KEY, event.type.length);
  const content = entryLength(CONTENT_KEY, event.json ? JSON_TYPE.length : BINARY_TYPE.length);
  const created = entryLength(CREATED_KEY, 17);
  const position = varintLength(at.position);
  return (
    40 +
    (1 + varintLength(identifier) + identifier) +
    (1 + varintLength(type) + type) +
    (1 + varintLength(content) + content) +
    (1 + varintLength(created) + created) +
    (1 + revisionLength(at.revision)) +
    2 * (1 + position) +
    (1 + varintLength(event.metadata.length) + event.metadata.length) +
    (1 + varintLength(event.data.length) + event.data.length)
  );
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
  value.copy(out, offset);
  return offset + value.length;
}

/** Writes the RecordedEvent message and returns the offset behind it. */
export function writeRecordedEvent(out: Buffer, start: number, event: ProposedEvent, at: Placement): number {
  let offset = start;
  ID_FIELD.copy(out, offset);
  out.write(event.id, offset + 4, 36, 'latin1');
  offset += 40;
  const name = at.stream.length;
  out[offset++] = 0x12;
  offset = writeVarint(out, offset, 1 + varintLength(name) + name);
  offset = writeBytes(out, offset, 0x1a, at.stream);
  offset = writeEntry(out, offset, TYPE_KEY, event.type);
  offset = writeEntry(out, offset, CONTENT_KEY, event.json ? JSON_TYPE : BINARY_TYPE);
  out[offset++] = 0x32;
  offset = writeVarint(out, offset, entryLength(CREATED_KEY, 17));
  CREATED_KEY.copy(out, offset);
  offset = writeVarint(out, offset + CREATED_KEY.length, 17);
  out.write(`${at.createdMs}0000`, offset, 17, 'latin1');
  offset += 17;
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

/** A RecordedEvent that is not in the log: the links of the system streams are made when they are read. */
export function recordedEvent(event: ProposedEvent, at: Placement): Buffer {
  const out = Buffer.allocUnsafe(recordedEventLength(event, at));
  writeRecordedEvent(out, 0, event, at);
  return out;
}

const readEventLength = (recorded: number, position: number): number =>
  1 + varintLength(recorded) + recorded + 1 + varintLength(position);

export function eventRecordLength(event: ProposedEvent, at: Placement): number {
  const inner = readEventLength(recordedEventLength(event, at), at.position);
  return HEADER + 5 + 1 + varintLength(inner) + inner + TRAILER;
}

/** All that is not a name or a payload, at its longest. */
const MOST_OVERHEAD = 320;

/** At least as much as the record of the event takes, wherever it will stand. */
export const mostRecordLength = (event: ProposedEvent, streamLength: number): number =>
  MOST_OVERHEAD + streamLength + event.type.length + event.metadata.length + event.data.length;

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
): number {
  const recorded = recordedEventLength(event, at);
  const inner = readEventLength(recorded, at.position);
  const message = 1 + varintLength(inner) + inner;
  let offset = start + HEADER;
  out[offset++] = 0;
  offset = out.writeUInt32BE(message, offset);
  out[offset++] = 0x0a;
  offset = writeVarint(out, offset, inner);
  out[offset++] = 0x0a;
  offset = writeVarint(out, offset, recorded);
  offset = writeRecordedEvent(out, offset, event, at);
  out[offset++] = 0x18;
  offset = writeVarint(out, offset, at.position);
  const tombstone = at.revision === 'tombstone';
  writeHeader(out, start, offset + TRAILER - start, {
    kind: tombstone ? KIND_TOMBSTONE : KIND_EVENT,
    flags: (options.begins ? FLAG_BEGINS_GROUP : 0) | (options.more ? FLAG_MORE : 0) | (event.json ? FLAG_JSON : 0),
    position: at.position,
    revision: tombstone ? 0 : Number(at.revision),
    createdMs: at.createdMs,
    group: options.group,
    lengths: [at.stream.length, event.type.length, event.metadata.length, event.data.length],
  });
  return offset + TRAILER;
}

export const MARKER_LENGTH = HEADER + TRAILER;

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
    lengths: [0, 0, 0, 0],
  });
  return start + MARKER_LENGTH;
}

interface Header {
  kind: number;
  flags: number;
  position: number;
  revision: number;
  createdMs: number;
  group: number;
  lengths: readonly [stream: number, type: number, metadata: number, data: number];
}

function writeHeader(out: Buffer, start: number, length: number, header: Header): void {
  out.writeUInt32LE(length, start);
  out.writeUIntLE(header.position, start + 8, 6);
  out[start + 14] = header.kind;
  out[start + 15] = header.flags;
  out.writeUIntLE(header.revision, start + 16, 6);
  out.writeUIntLE(header.createdMs, start + 22, 6);
  out.writeUInt16LE(header.lengths[0], start + 28);
  out.writeUInt16LE(header.lengths[1], start + 30);
  out.writeUInt32LE(header.lengths[2], start + 32);
  out.writeUInt32LE(header.lengths[3], start + 36);
  out.writeUIntLE(header.group, start + 40, 6);
  out.writeUInt16LE(0, start + 46);
  out.writeUInt32LE(length, start + length - TRAILER);
  out.writeUInt32LE(crc32(out.subarray(start + 8, start + length)), start + 4);
}

/** The length that a record's header tells, or 0 where no record can be. */
export const recordLengthAt = (buffer: Buffer, offset: number): number =>
  offset + 4 <= buffer.length ? buffer.readUInt32LE(offset) : 0;

/** Whether a whole and unharmed record stands at `offset`. */
export function isIntact(buffer: Buffer, offset: number): boolean {
  const length = recordLengthAt(buffer, offset);
  if (length < MARKER_LENGTH || offset + length > buffer.length) return false;
  return buffer.readUInt32LE(offset + 4) === crc32(buffer.subarray(offset + 8, offset + length));
}

/** A view on a record; cheap to make, parses nothing until asked. */
export class EventRecord {
  private recordedAt = 0;
  private typeAt = 0;

  constructor(
    readonly buffer: Buffer,
    readonly offset: number,
  ) {}

  get length(): number {
    return this.buffer.readUInt32LE(this.offset);
  }
  get position(): number {
    return this.buffer.readUIntLE(this.offset + 8, 6);
  }
  get kind(): number {
    return this.buffer[this.offset + 14] ?? 0;
  }
  get isTombstone(): boolean {
    return this.kind === KIND_TOMBSTONE;
  }
  get isMarker(): boolean {
    return this.kind === KIND_MARKER;
  }
  get more(): boolean {
    return ((this.buffer[this.offset + 15] ?? 0) & FLAG_MORE) !== 0;
  }
  get beginsGroup(): boolean {
    return ((this.buffer[this.offset + 15] ?? 0) & FLAG_BEGINS_GROUP) !== 0;
  }
  get json(): boolean {
    return ((this.buffer[this.offset + 15] ?? 0) & FLAG_JSON) !== 0;
  }
  get revision(): number {
    return this.buffer.readUIntLE(this.offset + 16, 6);
  }
  get createdMs(): number {
    return this.buffer.readUIntLE(this.offset + 22, 6);
  }
  get group(): number {
    return this.buffer.readUIntLE(this.offset + 40, 6);
  }
  get id(): string {
    const at = this.recordedOffset() + 4;
    return this.buffer.toString('latin1', at, at + 36);
  }
  get streamBytes(): Buffer {
    const length = this.buffer.readUInt16LE(this.offset + 28);
    const at = this.streamOffset(length);
    return this.buffer.subarray(at, at + length);
  }
  get stream(): string {
    const length = this.buffer.readUInt16LE(this.offset + 28);
    const at = this.streamOffset(length);
    return this.buffer.toString('utf8', at, at + length);
  }
  get typeBytes(): Buffer {
    const length = this.buffer.readUInt16LE(this.offset + 30);
    const at = this.typeOffset(length);
    return this.buffer.subarray(at, at + length);
  }
  get type(): string {
    const length = this.buffer.readUInt16LE(this.offset + 30);
    const at = this.typeOffset(length);
    return this.buffer.toString('utf8', at, at + length);
  }
  get data(): Buffer {
    const end = this.dataEnd();
    return this.buffer.subarray(end - this.buffer.readUInt32LE(this.offset + 36), end);
  }
  get metadata(): Buffer {
    const data = this.buffer.readUInt32LE(this.offset + 36);
    const end = this.dataEnd() - data - varintLength(data) - 1;
    return this.buffer.subarray(end - this.buffer.readUInt32LE(this.offset + 32), end);
  }
  /** The RecordedEvent message. */
  get recorded(): Buffer {
    return this.buffer.subarray(this.recordedOffset(), this.dataEnd());
  }
  /** The whole gRPC frame of a read. */
  get frame(): Buffer {
    return this.buffer.subarray(this.offset + HEADER, this.offset + this.length - TRAILER);
  }
  get intact(): boolean {
    return isIntact(this.buffer, this.offset);
  }
  /** A copy of its own, for those that outlive the buffer they were read into. */
  detached(): EventRecord {
    return new EventRecord(Buffer.from(this.buffer.subarray(this.offset, this.offset + this.length)), 0);
  }

  /** The same event as if it stood at another position. */
  movedTo(position: number): EventRecord {
    const at: Placement = {
      stream: this.streamBytes,
      revision: this.isTombstone ? 'tombstone' : this.revision,
      position,
      createdMs: this.createdMs,
    };
    const event: ProposedEvent = {
      id: this.id,
      type: this.typeBytes,
      json: this.json,
      data: this.data,
      metadata: this.metadata,
    };
    const buffer = Buffer.allocUnsafe(eventRecordLength(event, at));
    writeEventRecord(buffer, 0, event, at, { group: this.group, begins: false, more: false });
    return new EventRecord(buffer, 0);
  }

  private dataEnd(): number {
    return this.offset + this.length - TRAILER - 1 - varintLength(this.position);
  }
  private recordedOffset(): number {
    if (this.recordedAt === 0) {
      let at = this.skipVarint(this.offset + HEADER + 6);
      at = this.skipVarint(at + 1);
      this.recordedAt = at;
    }
    return this.recordedAt;
  }
  private streamOffset(length: number): number {
    const varint = varintLength(length);
    return this.recordedOffset() + 40 + 1 + varintLength(1 + varint + length) + 1 + varint;
  }
  private typeOffset(length: number): number {
    if (this.typeAt === 0) {
      const name = this.buffer.readUInt16LE(this.offset + 28);
      const entry = TYPE_KEY.length + varintLength(length) + length;
      this.typeAt = this.streamOffset(name) + name + 1 + varintLength(entry) + TYPE_KEY.length + varintLength(length);
    }
    return this.typeAt;
  }
  private skipVarint(at: number): number {
    let offset = at;
    while ((this.buffer[offset] ?? 0) >= 0x80) offset++;
    return offset + 1;
  }
}
