/** Reads protobuf messages (wire format) in place: nothing is copied before it is asked for. */

/** The bytes are no message. */
export class MalformedAnswer extends Error {}

const ticksDigits = 4;
/** Seven groups of seven bits fit into what a number holds exactly. */
const exactGroups = 7;

/** A message, read field by field: `next` says whether there is one more, `field` which; then take it or skip it. */
export class WireReader {
  field = 0;
  private type = 0;

  constructor(
    private readonly bytes: Buffer,
    private at = 0,
    private readonly end = bytes.length,
  ) {}

  get isEmpty(): boolean {
    return this.at >= this.end;
  }

  next(): boolean {
    if (this.at >= this.end) return false;
    const tag = this.uint();
    this.field = tag >>> 3;
    this.type = tag & 7;
    return true;
  }

  /** What a field of bytes, text, or a message holds. */
  message(): WireReader {
    const length = this.uint();
    const from = this.at;
    this.at += length;
    if (this.at > this.end) throw new MalformedAnswer(`A field ends at ${this.at}, after its message at ${this.end}.`);
    return new WireReader(this.bytes, from, this.at);
  }

  skip(): void {
    if (this.type === 0) this.uint64();
    else if (this.type === 1) this.at += 8;
    else if (this.type === 2) this.message();
    else if (this.type === 5) this.at += 4;
    else throw new MalformedAnswer(`There is no field of type ${this.type}.`);
  }

  /** Up to 2^53. */
  uint(): number {
    const { bytes } = this;
    let byte = bytes[this.at++];
    if (byte === undefined) throw new MalformedAnswer('A number is cut off.');
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    let factor = 0x80;
    do {
      byte = bytes[this.at++];
      if (byte === undefined) throw new MalformedAnswer('A number is cut off.');
      value += (byte & 0x7f) * factor;
      factor *= 0x80;
    } while (byte >= 0x80);
    return value;
  }

  uint64(): bigint {
    const from = this.at;
    const value = this.uint();
    if (this.at - from <= exactGroups) return BigInt(value);
    let exact = 0n;
    for (let at = this.at - 1; at >= from; at--) exact = (exact << 7n) | BigInt((this.bytes[at] ?? 0) & 0x7f);
    return BigInt.asUintN(64, exact);
  }

  text(): string {
    return this.bytes.toString('utf8', this.at, this.end);
  }

  copy(): Uint8Array {
    return new Uint8Array(this.bytes.subarray(this.at, this.end));
  }

  is(ascii: string): boolean {
    if (this.end - this.at !== ascii.length) return false;
    for (let index = 0; index < ascii.length; index++)
      if (this.bytes[this.at + index] !== ascii.charCodeAt(index)) return false;
    return true;
  }

  /** .NET's ticks of 100 ns as text, which is how the server tells when an event was created; 0 for anything else. */
  ticksAsMs(): number {
    let ms = 0;
    for (let at = this.at; at < this.end - ticksDigits; at++) {
      const digit = (this.bytes[at] ?? 0) - 0x30;
      if (digit < 0 || digit > 9) return 0;
      ms = ms * 10 + digit;
    }
    return ms;
  }
}
