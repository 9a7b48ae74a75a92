/**
 * Answers of EventStoreDB's `Streams.Read`, taken straight from their bytes (protobuf wire format; field numbers as in
 * EventStoreDB's streams.proto). The client's generated classes and its conversion of them cost several times what all
 * else of a read costs; here nothing is made that a {@link RecordedEvent} does not need.
 */
import type { DomainEvent } from '@annals/core';
import { recordedContext, type RecordedEvent, type StoredMetadata } from './recorded-event.js';
import { WireReader } from './wire/wire-reader.js';

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
  const wire = new WireReader(bytes);
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

function decodeReadEvent(wire: WireReader): RecordedEvent | undefined {
  while (wire.next()) {
    if (wire.field === content.event) return decodeRecordedEvent(wire.message());
    // A link, whose event is gone; links are not followed here.
    wire.skip();
  }
  return undefined;
}

function decodeCommitPosition(wire: WireReader): bigint {
  while (wire.next()) {
    if (wire.field === 1) return wire.uint64();
    wire.skip();
  }
  return 0n;
}

function decodeRecordedEvent(wire: WireReader): RecordedEvent {
  let [id, stream, type] = ['', '', ''];
  // Numbers that are 0 are left out of the message.
  let revision = 0;
  let position = 0n;
  let createdMs = 0;
  let isJson = false;
  let metadata: StoredMetadata = {};
  let data: WireReader | undefined;
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

function textOf(wire: WireReader, wanted: number): string {
  while (wire.next()) {
    if (wire.field === wanted) return wire.message().text();
    wire.skip();
  }
  return '';
}

/** As the client has it: text that is no JSON stays text. */
function decodeJson(wire: WireReader): unknown {
  const text = wire.text();
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Metadata of other programs may be anything. */
function decodeMetadata(wire: WireReader): StoredMetadata {
  if (wire.isEmpty) return {};
  const metadata = decodeJson(wire);
  return typeof metadata === 'object' && metadata !== null ? metadata : {};
}
