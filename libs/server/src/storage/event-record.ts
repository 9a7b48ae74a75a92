/** A record of the log as its readers see it; its form is described in record-format.ts. */
import { crc32 } from 'node:zlib';
import { varintLength } from '../protocol/protobuf.js';
import {
  FLAG_BEGINS_GROUP,
  FLAG_JSON,
  FLAG_MORE,
  HEADER,
  KIND_MARKER,
  KIND_TOMBSTONE,
  MARKER_LENGTH,
  TRAILER,
  TYPE_KEY,
  type Placement,
  type ProposedEvent,
} from './record-format.js';
import { eventRecordBytes } from './record-writer.js';

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
    return new EventRecord(eventRecordBytes(event, at, this.group), 0);
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
