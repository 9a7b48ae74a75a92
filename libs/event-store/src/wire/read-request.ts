/**
 * Requests of EventStoreDB's `Streams.Read` (field numbers as in its streams.proto): the frequent ones by hand, the
 * others by the client's generated classes.
 */
import sharedPb from '@eventstore/db-client/generated/shared_pb.js';
import streamsPb from '@eventstore/db-client/generated/streams_pb.js';
import { beginning } from '../recorded-event.js';
import { textCapacity, WireWriter } from './wire-writer.js';

export const readPath = '/event_store.client.streams.Streams/Read';

export interface StreamRange {
  readonly direction: 'forwards' | 'backwards';
  /** First revision wanted (inclusive); undefined: the stream's first, backwards its last. */
  readonly from: number | undefined;
  /** How many events at most; undefined: all. */
  readonly maxCount: number | undefined;
  /** Gives the events that links point to. */
  readonly resolveLinks?: boolean | undefined;
}

/** As a gRPC frame. */
export function encodeStreamRead(stream: string, { direction, from, maxCount, resolveLinks }: StreamRange): Buffer {
  const out = new WireWriter(96 + textCapacity(stream));
  const start = out.mark;
  const uuidOption = out.mark;
  out.empty(2).message(9, uuidOption);
  out.empty(8);
  out.number(5, maxCount ?? Number.MAX_SAFE_INTEGER);
  if (resolveLinks) out.number(4, 1);
  if (direction === 'backwards') out.number(3, 1);
  const streamOptions = out.mark;
  if (from !== undefined) out.number(2, from);
  else out.empty(direction === 'backwards' ? 4 : 3);
  const identifier = out.mark;
  return out.text(3, stream).message(1, identifier).message(1, streamOptions).message(1, start).frame();
}

const { Options } = streamsPb.ReadReq;

/** The newest event of `$all`, as a gRPC frame. */
export function encodeHeadRead(): Buffer {
  const all = new Options.AllOptions();
  all.setEnd(new sharedPb.Empty());
  const options = requestOptions();
  options.setAll(all);
  options.setReadDirection(Options.ReadDirection.BACKWARDS);
  options.setCount('1');
  options.setNoFilter(new sharedPb.Empty());
  return frameOf(options);
}

/**
 * A subscription to `$all` after a position, as a gRPC frame.
 * @param prefixes of the stream names wanted; none: all events but the server's own
 */
export function encodeAllSubscription(after: bigint, prefixes: readonly string[], maxSearchWindow: number): Buffer {
  const all = new Options.AllOptions();
  if (after === beginning) all.setStart(new sharedPb.Empty());
  else {
    const position = new Options.Position();
    position.setCommitPosition(after.toString());
    position.setPreparePosition(after.toString());
    all.setPosition(position);
  }
  const expression = new Options.FilterOptions.Expression();
  const filter = new Options.FilterOptions();
  filter.setMax(maxSearchWindow);
  filter.setCheckpointintervalmultiplier(1);
  if (prefixes.length > 0) {
    expression.setPrefixList([...prefixes]);
    filter.setStreamIdentifier(expression);
  } else {
    expression.setRegex('^[^$].*');
    filter.setEventType(expression);
  }
  const options = requestOptions();
  options.setAll(all);
  options.setSubscription(new Options.SubscriptionOptions());
  options.setFilter(filter);
  return frameOf(options);
}

function requestOptions(): streamsPb.ReadReq.Options {
  const uuid = new Options.UUIDOption();
  uuid.setString(new sharedPb.Empty());
  const options = new Options();
  options.setUuidOption(uuid);
  options.setResolveLinks(false);
  return options;
}

function frameOf(options: streamsPb.ReadReq.Options): Buffer {
  const request = new streamsPb.ReadReq();
  request.setOptions(options);
  const message = request.serializeBinary();
  const frame = Buffer.alloc(5 + message.length);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, 5);
  return frame;
}
