/**
 * `Streams.Read` on the client's own channel, with its credentials and its way of finding another node, but with the
 * answers decoded by read-answer.ts instead of the client's generated classes.
 */
import { convertToCommandError, type EventStoreDBClient } from '@eventstore/db-client';
import sharedPb from '@eventstore/db-client/generated/shared_pb.js';
import streamsGrpc from '@eventstore/db-client/generated/streams_grpc_pb.js';
import streamsPb from '@eventstore/db-client/generated/streams_pb.js';
import { decodeReadAnswer, type ReadAnswer } from './read-answer.js';
import { beginning } from './recorded-event.js';

/** A call of gRPC whose answers are read: a stream of Node. */
export interface ReadCall {
  on(event: 'data', listener: (answer: ReadAnswer) => void): this;
  on(event: 'error', listener: (error: unknown) => void): this;
  on(event: 'end', listener: () => void): this;
  pause(): this;
  resume(): this;
  isPaused(): boolean;
  cancel(): void;
}

type ReadReq = streamsPb.ReadReq;

interface GrpcClient {
  makeServerStreamRequest(
    path: string,
    serialize: (request: ReadReq) => Buffer,
    deserialize: (bytes: Buffer) => ReadAnswer,
    request: ReadReq,
    ...metadataAndOptions: readonly unknown[]
  ): ReadCall;
}

/** What the client keeps to itself. */
interface Internals {
  GRPCStreamCreator(service: unknown, name: string, creator: (client: GrpcClient) => ReadCall): () => Promise<ReadCall>;
  callArguments(options: object, callOptions: { readonly deadline: number }): readonly [unknown, unknown];
}

const path = '/event_store.client.streams.Streams/Read';
const { Options } = streamsPb.ReadReq;

/** Begins a read; its events come as soon as somebody listens for 'data'. Ends by `cancel()`. */
export function openRead(client: EventStoreDBClient, name: string, request: ReadReq): Promise<ReadCall> {
  const internals = client as unknown as Internals;
  const open = internals.GRPCStreamCreator(streamsGrpc.StreamsClient, name, (grpc) =>
    grpc.makeServerStreamRequest(
      path,
      (message) => Buffer.from(message.serializeBinary()),
      decodeReadAnswer,
      request,
      ...internals.callArguments({}, { deadline: Infinity }),
    ),
  );
  return open();
}

/** What gRPC calls an error, as the client calls it. */
export const readError = (error: unknown): unknown => (error instanceof Error ? convertToCommandError(error) : error);

/**
 * A subscription to `$all` after a position.
 * @param prefixes of the stream names wanted; none: all events but the server's own
 */
export function allSubscription(after: bigint, prefixes: readonly string[], maxSearchWindow: number): ReadReq {
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
  return requestOf(options);
}

function requestOptions(): streamsPb.ReadReq.Options {
  const uuid = new Options.UUIDOption();
  uuid.setString(new sharedPb.Empty());
  const options = new Options();
  options.setUuidOption(uuid);
  options.setResolveLinks(false);
  return options;
}

function requestOf(options: streamsPb.ReadReq.Options): ReadReq {
  const request = new streamsPb.ReadReq();
  request.setOptions(options);
  return request;
}
