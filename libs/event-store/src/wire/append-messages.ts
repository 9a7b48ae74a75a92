/** The messages of EventStoreDB's `Streams.BatchAppend` (field numbers as in its streams.proto), from and to bytes. */
import { UnknownError } from '@eventstore/db-client';
import { unpackToCommandError } from '@eventstore/db-client/dist/streams/appendToStream/unpackError.js';
import streamsPb from '@eventstore/db-client/generated/streams_pb.js';
import { WireReader } from './wire-reader.js';
import { textCapacity, WireWriter } from './wire-writer.js';

/** An event as it is sent: data and metadata as JSON; metadata '': none. */
export interface ProposedEvent {
  /** A UUID. */
  readonly id: string;
  readonly type: string;
  readonly json: string;
  readonly metadata: string;
}

export type ExpectedRevision = number | 'any' | 'no-stream';

export interface Appended {
  /** Revision of the last event. */
  readonly revision: number;
  /** Position in `$all` of the last event; undefined when the server does not say. */
  readonly position: bigint | undefined;
}

/** Larger appends go out as several messages, as the client does it: servers bound the size of one. */
const maxMessageBytes = 3 * 1024 * 1024;
const json = 'application/json';
/** Names, field heads and what else is there, besides the texts of an event. */
const perEvent = 96;
const perMessage = 160;

/** One append as gRPC frames. @param correlationId a UUID by which its answer is known */
export function encodeAppend(
  correlationId: string,
  stream: string,
  expected: ExpectedRevision,
  events: readonly ProposedEvent[],
): readonly Buffer[] {
  const parts = inMessages(events);
  return parts.map((part, index) => {
    const out = new WireWriter(perMessage + textCapacity(stream) + part.bytes);
    out.number(4, index === parts.length - 1 ? 1 : 0);
    for (const event of part.events.toReversed()) proposed(out, event);
    if (index === 0) options(out, stream, expected);
    uuid(out, 1, correlationId);
    return out.frame();
  });
}

interface Part {
  readonly events: ProposedEvent[];
  bytes: number;
}

function inMessages(events: readonly ProposedEvent[]): readonly Part[] {
  let part: Part = { events: [], bytes: 0 };
  const parts = [part];
  for (const event of events) {
    const bytes = perEvent + textCapacity(event.id, event.type, event.json, event.metadata);
    if (part.bytes > 0 && part.bytes + bytes > maxMessageBytes) parts.push((part = { events: [], bytes: 0 }));
    part.events.push(event);
    part.bytes += bytes;
  }
  return parts;
}

function proposed(out: WireWriter, event: ProposedEvent): void {
  const { mark } = out;
  out.text(4, event.json);
  if (event.metadata !== '') out.text(3, event.metadata);
  entry(out, 'content-type', json);
  entry(out, 'type', event.type);
  uuid(out, 1, event.id);
  out.message(3, mark);
}

function options(out: WireWriter, stream: string, expected: ExpectedRevision): void {
  const { mark } = out;
  if (expected === 'any') out.empty(4);
  else if (expected === 'no-stream') out.empty(3);
  else out.number(2, expected);
  const identifier = out.mark;
  out.text(3, stream).message(1, identifier).message(2, mark);
}

function entry(out: WireWriter, key: string, value: string): void {
  const { mark } = out;
  out.text(2, value).text(1, key).message(2, mark);
}

function uuid(out: WireWriter, field: number, id: string): void {
  const { mark } = out;
  out.text(2, id).message(field, mark);
}

/** Of `BatchAppendResp`. */
const field = { correlationId: 1, error: 2, success: 3 };

/** What became of an append. */
export interface AppendAnswer {
  readonly correlationId: string;
  readonly outcome: Appended | Error;
}

/** @throws MalformedAnswer */
export function decodeAppendAnswer(bytes: Buffer): AppendAnswer {
  const wire = new WireReader(bytes);
  let correlationId = '';
  let outcome: Appended | undefined;
  while (wire.next()) {
    if (wire.field === field.correlationId) correlationId = decodeUuid(wire.message());
    else if (wire.field === field.success) outcome = decodeSuccess(wire.message());
    else wire.skip();
  }
  return { correlationId, outcome: outcome ?? decodeError(bytes) };
}

function decodeUuid(wire: WireReader): string {
  let id = '';
  while (wire.next()) {
    if (wire.field === 2) id = wire.message().text();
    else wire.skip();
  }
  return id;
}

function decodeSuccess(wire: WireReader): Appended {
  let revision = 0;
  let position: bigint | undefined;
  while (wire.next()) {
    if (wire.field === 1) revision = wire.uint();
    else if (wire.field === 3) position = decodePosition(wire.message());
    else wire.skip();
  }
  return { revision, position };
}

function decodePosition(wire: WireReader): bigint {
  let commit = 0n;
  while (wire.next()) {
    if (wire.field === 1) commit = wire.uint64();
    else wire.skip();
  }
  return commit;
}

/** Refusals are rare: the client's own classes say them in its own errors. */
function decodeError(bytes: Buffer): Error {
  const answer = streamsPb.BatchAppendResp.deserializeBinary(bytes);
  const error = answer.getError();
  const stream = Buffer.from(answer.getStreamIdentifier()?.getStreamName_asU8() ?? []).toString('utf8');
  return error?.getDetails() ? unpackToCommandError(error, stream) : new UnknownError(undefined, error?.getMessage());
}
