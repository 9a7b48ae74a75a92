/** Parses the messages of the Streams service. */
import { InvalidArgument, MalformedRequest, type ExpectedRevision } from '../errors.js';
import type { FilterSpec } from '../streams/event-filter.js';
import { NO_BYTES } from '../storage/record-format.js';
import { MAX_NAME } from './proposed-event.js';
import { ProtoReader } from './protobuf.js';

export function parseStreamName(reader: ProtoReader): string {
  let name: Buffer = NO_BYTES;
  while (reader.next()) {
    if (reader.field === 3) name = reader.bytes();
    else reader.skip();
  }
  return checkedStreamName(name.toString('utf8'));
}

export function checkedStreamName(name: string): string {
  if (name === '') throw new InvalidArgument('The stream name is empty. Give the stream a name.');
  if (Buffer.byteLength(name) > MAX_NAME)
    throw new InvalidArgument(`The stream name is longer than ${MAX_NAME} bytes.`);
  return name;
}

export interface AppendOptions {
  readonly stream: string;
  readonly expected: ExpectedRevision;
  /** Milliseconds since the epoch; undefined: none. */
  readonly deadline: number | undefined;
}

const exact = (value: bigint): ExpectedRevision =>
  value <= BigInt(Number.MAX_SAFE_INTEGER)
    ? { kind: 'exact', revision: Number(value) }
    : { kind: 'exact', revision: Number(value), wide: value };

const NONE_GIVEN = 'no expected revision';

/** AppendReq.Options, DeleteReq.Options and TombstoneReq.Options have the same shape. */
export function parseAppendOptions(reader: ProtoReader): AppendOptions {
  let stream: string | undefined;
  let expected: ExpectedRevision | undefined;
  while (reader.next()) {
    if (reader.field === 1) stream = parseStreamName(reader.message());
    else if (reader.field === 2) expected = exact(reader.bigVarint());
    else {
      if (reader.field === 3) expected = { kind: 'no_stream' };
      else if (reader.field === 4) expected = { kind: 'any' };
      else if (reader.field === 5) expected = { kind: 'stream_exists' };
      reader.skip();
    }
  }
  if (stream === undefined) throw new InvalidArgument('The stream name is empty. Give the stream a name.');
  if (stream === '$all' || stream === '$$') throw new InvalidArgument(`Nothing can be appended to '${stream}'.`);
  if (!expected) throw new MalformedRequest(NONE_GIVEN);
  return { stream, expected, deadline: undefined };
}

/** BatchAppendReq.Options: the numbering of the expected revisions is the same, a deadline may be added. */
export function parseBatchOptions(reader: ProtoReader): AppendOptions {
  let stream: string | undefined;
  let expected: ExpectedRevision | undefined;
  let deadline: number | undefined;
  while (reader.next()) {
    if (reader.field === 1) stream = parseStreamName(reader.message());
    else if (reader.field === 2) expected = exact(reader.bigVarint());
    else if (reader.field === 6) deadline = parseTime(reader.message());
    else if (reader.field === 7) deadline = Date.now() + parseTime(reader.message());
    else {
      if (reader.field === 3) expected = { kind: 'no_stream' };
      else if (reader.field === 4) expected = { kind: 'any' };
      else if (reader.field === 5) expected = { kind: 'stream_exists' };
      reader.skip();
    }
  }
  if (stream === undefined) throw new InvalidArgument('The stream name is empty. Give the stream a name.');
  if (stream === '$all' || stream === '$$') throw new InvalidArgument(`Nothing can be appended to '${stream}'.`);
  if (!expected) throw new MalformedRequest(NONE_GIVEN);
  return { stream, expected, deadline };
}

/** A Timestamp or Duration, in milliseconds. */
function parseTime(reader: ProtoReader): number {
  let milliseconds = 0;
  while (reader.next()) {
    if (reader.field === 1) milliseconds += Number(BigInt.asIntN(64, reader.bigVarint())) * 1000;
    else if (reader.field === 2) milliseconds += reader.varint() / 1e6;
    else reader.skip();
  }
  return milliseconds;
}

/** A revision or position is at most {@link LAST_REVISION}; `invalid`: beyond any. */
export type From = 'start' | 'end' | 'invalid' | number;

/** Where numbers that cannot be revisions begin; 2^64-1 is how some clients say "end". */
export const LAST_REVISION = 2 ** 63;
const END = 2n ** 64n - 1n;

const parseRevision = (value: bigint): From => (value === END ? 'end' : value >= 2n ** 63n ? 'invalid' : Number(value));

export interface ReadOptions {
  /** A stream's name; undefined: `$all`. */
  readonly stream: string | undefined;
  readonly from: From;
  readonly backwards: boolean;
  readonly resolveLinks: boolean;
  /** Undefined: a subscription. */
  readonly count: number | undefined;
  readonly filter: FilterSpec | undefined;
  readonly structuredIds: boolean;
}

export function parseReadRequest(request: Buffer): ReadOptions {
  const outer = new ProtoReader(request);
  let options: ReadOptions | undefined;
  while (outer.next()) {
    if (outer.field === 1) options = parseReadOptions(outer.message());
    else outer.skip();
  }
  if (!options) throw new MalformedRequest('a read without options');
  return options;
}

function parseReadOptions(reader: ProtoReader): ReadOptions {
  let target: { stream: string | undefined; from: From } | undefined;
  let backwards = false;
  let resolveLinks = false;
  let count: number | undefined;
  let filter: FilterSpec | undefined;
  let structuredIds = false;
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        target = parseStreamTarget(reader.message());
        break;
      case 2:
        target = { stream: undefined, from: parseAllFrom(reader.message()) };
        break;
      case 3:
        backwards = reader.varint() === 1;
        break;
      case 4:
        resolveLinks = reader.bool();
        break;
      case 5:
        count = reader.varint();
        break;
      case 6:
        reader.skip();
        count = undefined;
        break;
      case 7:
        filter = parseFilter(reader.message());
        break;
      case 9:
        structuredIds = parseStructured(reader.message());
        break;
      default:
        reader.skip();
    }
  }
  if (!target) throw new MalformedRequest('a read of neither a stream nor $all');
  return { ...target, backwards, resolveLinks, count, filter, structuredIds };
}

function parseStreamTarget(reader: ProtoReader): { stream: string; from: From } {
  let stream: string | undefined;
  let from: From = 'start';
  while (reader.next()) {
    if (reader.field === 1) stream = parseStreamName(reader.message());
    else if (reader.field === 2) from = parseRevision(reader.bigVarint());
    else {
      if (reader.field === 3) from = 'start';
      else if (reader.field === 4) from = 'end';
      reader.skip();
    }
  }
  if (stream === undefined) throw new InvalidArgument('The stream name is empty. Name the stream to read.');
  return { stream, from };
}

function parseAllFrom(reader: ProtoReader): From {
  let from: From = 'start';
  while (reader.next()) {
    if (reader.field === 1) from = parsePosition(reader.message());
    else {
      if (reader.field === 2) from = 'start';
      else if (reader.field === 3) from = 'end';
      reader.skip();
    }
  }
  return from;
}

function parsePosition(reader: ProtoReader): number {
  let commit = 0;
  while (reader.next()) {
    if (reader.field === 1) commit = reader.varint();
    else reader.skip();
  }
  return commit;
}

export function parseFilter(reader: ProtoReader): FilterSpec {
  let on: 'stream' | 'type' = 'stream';
  let expression: { prefixes: string[]; regex: string | undefined } = { prefixes: [], regex: undefined };
  let window = 32;
  let interval = 1;
  while (reader.next()) {
    if (reader.field === 1 || reader.field === 2) {
      on = reader.field === 1 ? 'stream' : 'type';
      expression = parseExpression(reader.message());
    } else if (reader.field === 3) window = reader.varint();
    else if (reader.field === 5) interval = reader.varint();
    else reader.skip();
  }
  return { on, ...expression, window, interval };
}

function parseExpression(reader: ProtoReader): { prefixes: string[]; regex: string | undefined } {
  const prefixes: string[] = [];
  let regex: string | undefined;
  while (reader.next()) {
    if (reader.field === 1) regex = reader.string();
    else if (reader.field === 2) prefixes.push(reader.string());
    else reader.skip();
  }
  return { prefixes, regex };
}

export function parseStructured(reader: ProtoReader): boolean {
  let structuredIds = false;
  while (reader.next()) {
    structuredIds = reader.field === 1;
    reader.skip();
  }
  return structuredIds;
}
