/**
 * Answers of EventStoreDB's `Streams.Read`, taken straight from their bytes (protobuf wire format; field numbers as in
 * EventStoreDB's streams.proto). The client's generated classes and its conversion of them cost several times what all
 * else of a read costs; here nothing is made that a {@link RecordedEvent} does not need.
 */
import type { DomainEvent } from '@annals/core';
import { recordedContext, type RecordedEvent, type StoredMetadata } from './recorded-event.js';

export type ReadAnswer =
  | { readonly kind: 'event'; readonly recorded: RecordedEvent; readonly bytes: number }
  | { readonly kind: 'checkpoint'; readonly position: bigint }
  | { readonly kind: 'confirmed' | 'caught-up' | 'fell-behind' | 'stream-not-found' | 'other' };

/** Of `ReadResp.content`. */
const content = { event: 1, confirmation: 2, checkpoint: 3, streamNotFound: 4, caughtUp: 8, fellBehind: 9 };
/** Of `RecordedEvent`. */
const field = { id: 1, stream: 2, revision: 3, commit: 5, properties: 6, metadata: 7, data: 8 };

/** @throws MalformedAnswer */
export function decodeReadAnswer(bytes: Buffer): ReadAnswer {
  const wire = new Wire(bytes, 0, bytes.length);
  while (wire.next()) {
    switch (wire.field) {
      case content.event: {
        const recorded = decodeReadEvent(wire.message());
        return recorded ? { kind: 'event', recorded, bytes: bytes.length } : { kind: 'other' };
      }
      case content.confirmation:
        return { kind: 'confirmed' };
      case content.checkpoint:
        return { kind: 'checkpoint', position: decodeCommitPosition(wire.message()) };
      case content.streamNotFound:
        return { kind: 'stream-not-found' };
      case content.caughtUp:
        return { kind: 'caught-up' };
      case content.fellBehind:
        return { kind: 'fell-behind' };
      default:
        wire.skip();
    }
  }
  return { kind: 'other' };
}

/** The bytes are no message of this kind. */
export class MalformedAnswer extends Error {}

function decodeReadEvent(wire: Wire): RecordedEvent | undefined {
  while (wire.next()) {
    if (wire.field === content.event) return decodeRecordedEvent(wire.message());
    // A link, whose event is gone; links are not followed here.
    wire.skip();
  }
  return undefined;
}

function decodeCommitPosition(wire: Wire): bigint {
  while (wire.next()) {
    if (wire.field === 1) return wire.uint64();
    wire.skip();
  }
  return 0n;
}

function decodeRecordedEvent(wire: Wire): RecordedEvent {
  let [id, stream, type] = ['', '', ''];
  // Numbers that are 0 are left out of the message.
  let revision = 0;
  let position = 0n;
  let createdMs = 0;
  let isJson = false;
  let metadata: StoredMetadata = {};
  let data: Wire | undefined;
  while (wire.next()) {
    switch (wire.field) {
      case field.id:
        id = textOf(wire.message(), 2);
        break;
      case field.stream:
        stream = textOf(wire.message(), 3);
        break;
      case field.revision:
        revision = wire.uint();
        break;
      case field.commit:
        position = wire.uint64();
        break;
      case field.properties: {
        const entry = wire.message();
        const key = entry.next() ? entry.message() : entry;
        const value = entry.next() ? entry.message() : entry;
        if (key.is('type')) type = value.text();
        else if (key.is('created')) createdMs = value.ticksAsMs();
        else if (key.is('content-type')) isJson = value.is('application/json');
        break;
      }
      case field.metadata:
        metadata = decodeMetadata(wire.message());
        break;
      case field.data:
        data = wire.message();
        break;
      default:
        wire.skip();
    }
  }
  const event = { type, data: data && (isJson ? decodeJson(data) : data.copy()) } as DomainEvent;
  return { event, at: recordedContext(id, stream, revision, position, new Date(createdMs), metadata) };
}

function textOf(wire: Wire, wanted: number): string {
  while (wire.next()) {
    if (wire.field === wanted) return wire.message().text();
    wire.skip();
  }
  return '';
}

/** As the client has it: text that is no JSON stays text. */
function decodeJson(wire: Wire): unknown {
  const text = wire.text();
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Metadata of other programs may be anything. */
function decodeMetadata(wire: Wire): StoredMetadata {
  if (wire.isEmpty) return {};
  const metadata = decodeJson(wire);
  return typeof metadata === 'object' && metadata !== null ? metadata : {};
}

const ticksDigits = 4;
/** Seven groups of seven bits fit into what a number holds exactly. */
const exactGroups = 7;

/** A message of the wire format, read field by field: `next` says whether there is one more, `field` which; then take it or skip it. */
class Wire {
  field = 0;
  private type = 0;

  constructor(
    private readonly bytes: Buffer,
    private at: number,
    private readonly end: number,
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
  message(): Wire {
    const length = this.uint();
    const from = this.at;
    this.at += length;
    if (this.at > this.end) throw new MalformedAnswer(`A field ends at ${this.at}, after its message at ${this.end}.`);
    return new Wire(this.bytes, from, this.at);
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
