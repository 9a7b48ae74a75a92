/**
 * A small protobuf reader and writer for the messages on the hot path (append, read). Everything else goes through the
 * generated classes of `@eventstore/db-client`. 64-bit numbers are JavaScript numbers; those beyond 2^53 (only sentinels
 * such as "end" and the revision of a tombstone are that large) lose their low bits, which {@link ProtoReader.bigVarint} keeps.
 */
import { MalformedRequest } from '../errors.js';

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

export class ProtoReader {
  field = 0;
  private wire = 0;
  private position: number;
  private valueAt = 0;
  private readonly end: number;

  constructor(
    private readonly buffer: Buffer,
    start = 0,
    end = buffer.length,
  ) {
    this.position = start;
    this.end = end;
  }

  /** Moves to the next field and says whether there is one. The caller must consume or {@link skip} its value. */
  next(): boolean {
    if (this.position >= this.end) return false;
    const tag = this.rawVarint();
    this.field = Math.floor(tag / 8);
    this.wire = tag % 8;
    if (this.field === 0) throw new MalformedRequest('field number 0');
    return true;
  }

  /** A sequence of bare varints: the server's own records use them too. */
  static varints(bytes: Buffer): number[] {
    const reader = new ProtoReader(bytes);
    const values: number[] = [];
    while (reader.position < reader.end) values.push(reader.rawVarint());
    return values;
  }

  varint(): number {
    this.expect(VARINT);
    return this.rawVarint();
  }

  bigVarint(): bigint {
    this.expect(VARINT);
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new MalformedRequest('a varint of more than ten bytes');
  }

  bool(): boolean {
    return this.varint() !== 0;
  }

  /** The value as a view: valid as long as the message's buffer is. */
  bytes(): Buffer {
    this.view();
    return this.taken();
  }

  string(): string {
    this.view();
    return this.buffer.toString('utf8', this.valueAt, this.position);
  }

  /**
   * Reads the value of the kind {@link bytes}, for {@link is} and {@link taken}. Making a Buffer costs more than all else that
   * is done with a small field.
   */
  view(): void {
    this.expect(BYTES);
    const length = this.rawVarint();
    if (length > this.end - this.position) throw new MalformedRequest('a field that is longer than its message');
    this.valueAt = this.position;
    this.position += length;
  }

  /** Whether the value of the last {@link view} is this one. */
  is(value: Buffer): boolean {
    const start = this.valueAt;
    if (this.position - start !== value.length) return false;
    for (let i = 0; i < value.length; i++) if (this.buffer[start + i] !== value[i]) return false;
    return true;
  }

  /** The value of the last {@link view}: as a view on the message, or `known` where it is the same. */
  taken(known?: Buffer): Buffer {
    return known && this.is(known) ? known : this.buffer.subarray(this.valueAt, this.position);
  }

  message(): ProtoReader {
    this.expect(BYTES);
    const length = this.rawVarint();
    const start = this.position;
    if (length > this.end - start) throw new MalformedRequest('a message that is longer than the one around it');
    this.position = start + length;
    return new ProtoReader(this.buffer, start, this.position);
  }

  skip(): void {
    switch (this.wire) {
      case VARINT:
        this.rawVarint();
        return;
      case FIXED64:
        return this.advance(8);
      case BYTES:
        return this.advance(this.rawVarint());
      case FIXED32:
        return this.advance(4);
      default:
        throw new MalformedRequest(`wire type ${this.wire}`);
    }
  }

  private advance(bytes: number): void {
    if (bytes > this.end - this.position) throw new MalformedRequest('a field that is longer than its message');
    this.position += bytes;
  }

  private expect(wire: number): void {
    if (this.wire !== wire) throw new MalformedRequest(`wire type ${this.wire} for field ${this.field}`);
  }

  private byte(): number {
    if (this.position >= this.end) throw new MalformedRequest('the message ends within a number');
    return this.buffer[this.position++] ?? 0;
  }

  private rawVarint(): number {
    let byte = this.byte();
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    let factor = 128;
    for (let i = 1; i < 10; i++) {
      byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      factor *= 128;
    }
    throw new MalformedRequest('a varint of more than ten bytes');
  }
}

/** Bare varints one after another, known to be whole: what the server wrote itself. */
export class VarintReader {
  constructor(
    private readonly bytes: Buffer,
    private at: number,
    private readonly end: number,
  ) {}

  get done(): boolean {
    return this.at >= this.end;
  }

  next(): number {
    let byte = this.bytes[this.at++] ?? 0;
    let value = byte & 0x7f;
    for (let factor = 128; byte >= 0x80 && this.at < this.end; factor *= 128) {
      byte = this.bytes[this.at++] ?? 0;
      value += (byte & 0x7f) * factor;
    }
    return value;
  }
}

export function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) length++;
  return length;
}

/** Writes a varint and returns the offset behind it. */
export function writeVarint(buffer: Buffer, offset: number, value: number): number {
  let rest = value;
  let at = offset;
  while (rest >= 2 ** 31) {
    buffer[at++] = (rest % 128) | 0x80;
    rest = Math.floor(rest / 128);
  }
  while (rest >= 128) {
    buffer[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  buffer[at++] = rest;
  return at;
}

/** Builds small messages field by field; not for payloads. */
export class ProtoWriter {
  private readonly parts: Buffer[] = [];

  varint(field: number, value: number | bigint): this {
    const tag = field * 8;
    if (typeof value === 'bigint') {
      const bytes: number[] = [];
      let rest = BigInt.asUintN(64, value);
      while (rest >= 128n) {
        bytes.push(Number(rest & 127n) | 0x80);
        rest >>= 7n;
      }
      bytes.push(Number(rest));
      this.parts.push(this.head(tag), Buffer.from(bytes));
    } else {
      const part = Buffer.allocUnsafe(varintLength(tag) + varintLength(value));
      writeVarint(part, writeVarint(part, 0, tag), value);
      this.parts.push(part);
    }
    return this;
  }

  bytes(field: number, value: Buffer | string): this {
    const content = typeof value === 'string' ? Buffer.from(value, 'utf8') : value;
    const tag = field * 8 + BYTES;
    const head = Buffer.allocUnsafe(varintLength(tag) + varintLength(content.length));
    writeVarint(head, writeVarint(head, 0, tag), content.length);
    this.parts.push(head, content);
    return this;
  }

  finish(): Buffer {
    return Buffer.concat(this.parts);
  }

  private head(tag: number): Buffer {
    const part = Buffer.allocUnsafe(varintLength(tag));
    writeVarint(part, 0, tag);
    return part;
  }
}

/** A gRPC frame: uncompressed flag, length, message. */
export function grpcFrame(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(5 + message.length);
  frame[0] = 0;
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, 5);
  return frame;
}
