/**
 * Writes protobuf messages from their end to their beginning: what a field holds is written before its length must be
 * known, so a message is one pass and one buffer.
 */
const BYTES = 2;

export class WireWriter {
  private readonly buffer: Buffer;
  private at: number;

  /** @param capacity in bytes; see {@link textCapacity} */
  constructor(capacity: number) {
    this.buffer = Buffer.allocUnsafe(capacity);
    this.at = capacity;
  }

  /** Where the next thing is written, for {@link message}. */
  get mark(): number {
    return this.at;
  }

  text(field: number, value: string): this {
    const length = Buffer.byteLength(value);
    this.at -= length;
    this.buffer.write(value, this.at, length);
    return this.head(field, length);
  }

  /** A message with all that was written since `mark`; what the mark itself is: a message without fields. */
  message(field: number, mark: number): this {
    return this.head(field, mark - this.at);
  }

  empty(field: number): this {
    return this.head(field, 0);
  }

  /** A number below 2^53. */
  number(field: number, value: number): this {
    return this.varint(value).varint(field * 8);
  }

  /** All that was written, as one gRPC frame: not compressed, length, message. */
  frame(): Buffer {
    const length = this.buffer.length - this.at;
    this.at -= 4;
    this.buffer.writeUInt32BE(length, this.at);
    this.buffer[--this.at] = 0;
    return this.buffer.subarray(this.at);
  }

  private head(field: number, length: number): this {
    return this.varint(length).varint(field * 8 + BYTES);
  }

  private varint(value: number): this {
    let length = 1;
    for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) length++;
    this.at -= length;
    let [rest, at] = [value, this.at];
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.buffer[at++] = (rest % 128) | 0x80;
    this.buffer[at] = rest;
    return this;
  }
}

/** What texts take at most, each as a field. */
export const textCapacity = (...texts: readonly string[]): number => {
  let bytes = 0;
  for (const text of texts) bytes += Buffer.byteLength(text) + 12;
  return bytes;
};
