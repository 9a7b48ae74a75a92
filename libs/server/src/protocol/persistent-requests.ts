/** Parses the messages that manage persistent subscriptions. */
import { InvalidArgument, MalformedRequest } from '../errors.js';
import type { GroupConfig, GroupSettings } from '../persistent-subscriptions/settings.js';
import type { FilterSpec } from '../streams/event-filter.js';
import { ProtoReader } from './protobuf.js';
import { parseFilter, parseStreamName } from './stream-requests.js';

const STRATEGIES = ['DispatchToSingle', 'RoundRobin', 'Pinned'];
/** 64-bit and 32-bit -1 and below: the numbers are signed in the protocol. */
const signed = (value: bigint): number => Number(BigInt.asIntN(64, value));
const END = 2n ** 64n - 1n;
const TICKS_PER_MS = 10_000;

type StartFrom = GroupSettings['startFrom'];

interface Target {
  readonly stream: string;
  readonly startFrom: StartFrom;
  readonly filter?: FilterSpec;
}

export const parseCreate = (request: Buffer): GroupConfig => parseConfig(request);
export const parseUpdate = (request: Buffer): GroupConfig => parseConfig(request);

function options(request: Buffer): ProtoReader {
  const reader = new ProtoReader(request);
  while (reader.next()) {
    if (reader.field === 1) return reader.message();
    reader.skip();
  }
  throw new MalformedRequest('no options');
}

function parseConfig(request: Buffer): GroupConfig {
  const reader = options(request);
  let target: Target | undefined;
  let named: string | undefined;
  let group = '';
  let settings: (GroupSettings & { deprecatedStart: StartFrom }) | undefined;
  while (reader.next()) {
    if (reader.field === 1) named = parseStreamName(reader.message());
    else if (reader.field === 2) group = reader.string();
    else if (reader.field === 3) settings = parseSettings(reader.message());
    else if (reader.field === 4) target = parseStreamTarget(reader.message());
    else if (reader.field === 5) target = parseAllTarget(reader.message());
    else reader.skip();
  }
  if (!settings) throw new MalformedRequest('no settings');
  const { deprecatedStart, ...rest } = settings;
  const { stream, startFrom, filter } = target ?? { stream: named, startFrom: deprecatedStart, filter: undefined };
  if (stream === undefined) throw new InvalidArgument('Neither a stream nor $all is named.');
  return { stream, group, settings: { ...rest, startFrom, ...(filter ? { filter } : {}) } };
}

const startOf = (value: bigint): StartFrom => (value === END ? 'end' : value === 0n ? 'start' : Number(value));

function parseStreamTarget(reader: ProtoReader): Target {
  let stream: string | undefined;
  let startFrom: StartFrom = 'start';
  while (reader.next()) {
    if (reader.field === 1) stream = parseStreamName(reader.message());
    else if (reader.field === 2) startFrom = startOf(reader.bigVarint());
    else {
      if (reader.field === 3) startFrom = 'start';
      else if (reader.field === 4) startFrom = 'end';
      reader.skip();
    }
  }
  if (stream === undefined) throw new InvalidArgument('The stream name is empty. Name the stream.');
  return { stream, startFrom };
}

function parseAllTarget(reader: ProtoReader): Target {
  let startFrom: StartFrom = 'start';
  let filter: FilterSpec | undefined;
  while (reader.next()) {
    if (reader.field === 1) startFrom = parsePosition(reader.message());
    else if (reader.field === 4) filter = parseFilter(reader.message());
    else {
      if (reader.field === 2) startFrom = 'start';
      else if (reader.field === 3) startFrom = 'end';
      reader.skip();
    }
  }
  return { stream: '$all', startFrom, ...(filter ? { filter } : {}) };
}

function parsePosition(reader: ProtoReader): StartFrom {
  let start: StartFrom = 'start';
  while (reader.next()) {
    if (reader.field === 1) start = startOf(reader.bigVarint());
    else reader.skip();
  }
  return start;
}

function parseSettings(reader: ProtoReader): GroupSettings & { deprecatedStart: StartFrom } {
  const numbers = new Map<number, number>();
  let deprecatedStart: StartFrom = 'start';
  let strategy: string | undefined;
  while (reader.next()) {
    if (reader.field === 2) deprecatedStart = startOf(reader.bigVarint());
    else if (reader.field === 16) strategy = reader.string() || undefined;
    else if (reader.field >= 1 && reader.field <= 15) numbers.set(reader.field, signed(reader.bigVarint()));
    else reader.skip();
  }
  const number = (field: number): number => numbers.get(field) ?? 0;
  /** Either in milliseconds or in ticks. */
  const time = (ms: number, ticks: number): number => numbers.get(ms) ?? Math.round(number(ticks) / TICKS_PER_MS);
  return {
    deprecatedStart,
    resolveLinks: number(1) !== 0,
    extraStatistics: number(3) !== 0,
    messageTimeoutMs: time(14, 4),
    maxRetryCount: number(5),
    checkpointAfterMs: time(15, 6),
    minCheckpointCount: number(7),
    maxCheckpointCount: number(8),
    maxSubscriberCount: number(9),
    liveBufferSize: number(10),
    readBatchSize: number(11),
    historyBufferSize: number(12),
    strategy: strategy ?? STRATEGIES[number(13)] ?? 'RoundRobin',
    startFrom: 'start',
  };
}

/** @param fields the numbers that the parts have in this message */
export function parseGroupOptions(
  request: Buffer,
  fields: { stream: number; group: number; all: number },
): { stream: string; group: string } {
  const reader = options(request);
  let stream: string | undefined;
  let group = '';
  while (reader.next()) {
    if (reader.field === fields.stream) stream = parseStreamName(reader.message());
    else if (reader.field === fields.group) group = reader.string();
    else {
      if (reader.field === fields.all) stream = '$all';
      reader.skip();
    }
  }
  if (stream === undefined) throw new InvalidArgument('Neither a stream nor $all is named.');
  return { stream, group };
}

export function parseReplay(request: Buffer): { stream: string; group: string; stopAt: number | undefined } {
  const target = parseGroupOptions(request, { group: 1, stream: 2, all: 3 });
  const reader = options(request);
  let stopAt: number | undefined;
  while (reader.next()) {
    if (reader.field === 4) stopAt = signed(reader.bigVarint());
    else reader.skip();
  }
  return { ...target, stopAt };
}

/** The stream to list for; undefined: all groups. */
export function parseListTarget(request: Buffer): string | undefined {
  const reader = options(request);
  let target: string | undefined;
  while (reader.next()) {
    if (reader.field === 2) target = parseListedStream(reader.message());
    else reader.skip();
  }
  return target;
}

function parseListedStream(reader: ProtoReader): string {
  let stream: string | undefined;
  while (reader.next()) {
    if (reader.field === 1) stream = parseStreamName(reader.message());
    else {
      if (reader.field === 2) stream = '$all';
      reader.skip();
    }
  }
  if (stream === undefined) throw new InvalidArgument('Neither a stream nor $all is named.');
  return stream;
}
