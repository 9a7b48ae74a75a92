/** The Streams service: reads, subscriptions, append, delete, tombstone. Batch append has a file of its own. */
import { InvalidArgument, MalformedRequest, StreamDeleted, WrongExpectedRevision } from '../errors.js';
import type { EventDatabase } from '../storage/event-database.js';
import type { ProposedEvent } from '../storage/record-format.js';
import type { StreamWriter } from '../streams/append.js';
import { EventFilter } from '../streams/event-filter.js';
import { AllForward, allBackward, resolve, streamRecords } from '../streams/read.js';
import { AllSource, runSubscription, StreamSource } from '../streams/subscription.js';
import { isMetadataStream } from '../streams/stream-metadata.js';
import type { Access } from './access.js';
import { batchAppend } from './batch-append.js';
import type { GrpcCall } from './grpc-call.js';
import { serverStreaming, unary, type Handlers } from './grpc-router.js';
import { parseProposedEvent } from './proposed-event.js';
import { grpcFrame, ProtoReader, ProtoWriter } from './protobuf.js';
import { eventFrame, firstStreamPositionFrame, lastStreamPositionFrame, streamNotFoundFrame } from './read-frames.js';
import {
  parseAppendOptions,
  LAST_REVISION,
  parseReadRequest,
  type AppendOptions,
  type ReadOptions,
} from './stream-requests.js';

const CHUNK = 64 * 1024;
/** EventStoreDB reads backwards from a position as long as it lies in the chunk that it has laid out, and fails behind it. */
const BEYOND = 256 * 1024 * 1024;
const EMPTY = Buffer.alloc(0);

export function streamsService(database: EventDatabase, writer: StreamWriter, access: Access): Handlers {
  const reads = new StreamReads(database, access);
  return {
    '/event_store.client.streams.Streams/Read': serverStreaming((request, call) => reads.read(request, call)),
    '/event_store.client.streams.Streams/Append': (call) => append(call, writer, access),
    '/event_store.client.streams.Streams/BatchAppend': (call) => batchAppend(call, writer, access),
    '/event_store.client.streams.Streams/Delete': unary(async (request, call) => {
      const { stream, expected } = parseDeletion(request);
      access.check(call, stream, 'delete');
      return deleted(await writer.delete(stream, expected));
    }),
    '/event_store.client.streams.Streams/Tombstone': unary(async (request, call) => {
      const { stream, expected } = parseDeletion(request);
      access.check(call, stream, 'delete');
      return deleted(await writer.tombstone(stream, expected));
    }),
  };
}

const positions = (position: number): Buffer => new ProtoWriter().varint(1, position).varint(2, position).finish();
const deleted = (position: number): Buffer => new ProtoWriter().bytes(1, positions(position)).finish();

function parseDeletion(request: Buffer): AppendOptions {
  const reader = new ProtoReader(request);
  let options: AppendOptions | undefined;
  while (reader.next()) {
    if (reader.field === 1) options = parseAppendOptions(reader.message());
    else reader.skip();
  }
  if (!options) throw new MalformedRequest('a deletion without options');
  return options;
}

/** The classic append: options first, then one message per event, then the end of the stream. */
function append(call: GrpcCall, writer: StreamWriter, access: Access): void {
  let options: AppendOptions | undefined;
  const events: ProposedEvent[] = [];
  call.receive(
    (message) => {
      const reader = new ProtoReader(message);
      while (reader.next()) {
        if (reader.field === 1) options = parseAppendOptions(reader.message());
        else if (reader.field === 2) events.push(parseProposedEvent(reader.message()));
        else reader.skip();
      }
    },
    () => {
      if (!options) throw new MalformedRequest('an append without options');
      const { stream, expected } = options;
      access.check(call, stream, 'write');
      const answer = async (): Promise<void> => {
        call.write(grpcFrame(await appendAnswer(writer, options ?? { stream, expected, deadline: undefined }, events)));
        call.end();
      };
      answer().catch((error: unknown) => call.fail(error));
    },
  );
}

async function appendAnswer(
  writer: StreamWriter,
  { stream, expected }: AppendOptions,
  events: readonly ProposedEvent[],
): Promise<Buffer> {
  try {
    const { revision, position } = await writer.append(stream, expected, events);
    const success = new ProtoWriter().varint(1, revision);
    if (position === undefined) success.bytes(4, EMPTY);
    else success.bytes(3, positions(position));
    return new ProtoWriter().bytes(1, success.finish()).finish();
  } catch (error) {
    // A conflict is a normal answer here, not an error of the call.
    if (error instanceof WrongExpectedRevision) return new ProtoWriter().bytes(2, wrongExpectedVersion(error)).finish();
    throw error;
  }
}

function wrongExpectedVersion({ expected, actual }: WrongExpectedRevision): Buffer {
  const out = new ProtoWriter();
  if (actual >= 0) out.varint(6, actual);
  else out.bytes(7, EMPTY);
  if (expected.kind === 'exact') out.varint(8, expected.wide ?? expected.revision);
  else out.bytes(expected.kind === 'any' ? 9 : expected.kind === 'stream_exists' ? 10 : 11, EMPTY);
  return out.finish();
}

class StreamReads {
  constructor(
    private readonly database: EventDatabase,
    private readonly access: Access,
  ) {}

  async read(request: Buffer, call: GrpcCall): Promise<void> {
    const options = parseReadRequest(request);
    const { stream, count } = options;
    this.access.check(call, stream ?? '$all', 'read');
    const filter = options.filter && new EventFilter(options.filter);
    if (count === undefined) return this.subscribe(call, options, filter);
    if (count === 0) throw new InvalidArgument('A read of 0 events was asked for; ask for at least 1.');
    if (stream === undefined) await this.readAll(call, options, count, filter);
    else await this.readStream(call, stream, options, count);
    call.end();
  }

  private checkNotDeleted(stream: string): void {
    const owner = isMetadataStream(stream) ? stream.slice(2) : stream;
    if (this.database.isTombstoned(owner) || this.database.isTombstoned(stream)) throw new StreamDeleted(stream);
  }

  private async readStream(call: GrpcCall, stream: string, options: ReadOptions, count: number): Promise<void> {
    const { from, backwards } = options;
    if (from === 'invalid') throw new InvalidArgument('There is no revision beyond 2^63-1.');
    if (!backwards && from === 'end')
      throw new InvalidArgument('Nothing can be read forwards from the end. Read backwards, or subscribe.');
    this.checkNotDeleted(stream);
    const entry = this.database.entry(stream);
    if (!entry || entry.head < 0 || this.database.metadataOf(entry, stream).deleted) {
      call.write(streamNotFoundFrame(stream));
      return;
    }
    const last = entry.head;
    const out = new FrameBatch(call);
    out.add(firstStreamPositionFrame(this.database.firstRevision(stream, entry)));
    for (const record of streamRecords(this.database, stream, { from, backwards, count })) {
      if (out.add(eventFrame(resolve(this.database, record, options.resolveLinks), options.structuredIds)))
        await out.flush();
      if (call.isOver) return;
    }
    out.add(lastStreamPositionFrame(last));
    await out.flush();
  }

  private async readAll(
    call: GrpcCall,
    options: ReadOptions,
    count: number,
    filter: EventFilter | undefined,
  ): Promise<void> {
    const out = new FrameBatch(call);
    let left = count;
    for (const record of this.allRecords(options, filter)) {
      if (record) {
        if (out.add(eventFrame(resolve(this.database, record, options.resolveLinks), options.structuredIds)))
          await out.flush();
        if (--left === 0) break;
      } else await out.flush();
      if (call.isOver) return;
    }
    await out.flush();
  }

  /** Yields undefined now and then between events that the filter leaves out, so that others get their turn. */
  private *allRecords({ from, backwards }: ReadOptions, filter: EventFilter | undefined) {
    const { log } = this.database;
    const end = log.end;
    if (from === 'invalid' || (backwards && from !== 'start' && from !== 'end' && from > end + BEYOND))
      throw new InvalidArgument('The position lies far beyond the end of the log.');
    if (backwards) {
      if (from === 'start') return;
      yield* allBackward(this.database, from === 'end' ? end : Math.min(from, end), filter);
      return;
    }
    if (from === 'end') return;
    const events = new AllForward(this.database, from === 'start' ? 0 : Math.min(from, end), filter);
    let skipped = 0;
    for (let next = events.next(); next && next.record.position < end; next = events.next()) {
      if (next.matches) yield next.record;
      else if (++skipped % 2000 === 0) yield undefined;
    }
  }

  private async subscribe(call: GrpcCall, options: ReadOptions, filter: EventFilter | undefined): Promise<void> {
    const { stream, from } = options;
    if (options.backwards) throw new InvalidArgument('A subscription cannot go backwards.');
    if (from === 'invalid' || (from !== 'start' && from !== 'end' && from >= LAST_REVISION))
      throw new InvalidArgument('There is nothing behind 2^63-1 to subscribe to.');
    if (stream === undefined) {
      await runSubscription(call, new AllSource(this.database, from, filter, options));
      return;
    }
    if (from !== 'end') this.checkNotDeleted(stream);
    await runSubscription(call, new StreamSource(this.database, stream, from, options));
  }
}

/** Collects small frames into writes of a good size. */
class FrameBatch {
  private frames: Buffer[] = [];
  private size = 0;

  constructor(private readonly call: GrpcCall) {}

  /** Whether it is time to flush. */
  add(frame: Buffer): boolean {
    this.frames.push(frame);
    this.size += frame.length;
    return this.size >= CHUNK;
  }

  async flush(): Promise<void> {
    const { frames } = this;
    this.frames = [];
    this.size = 0;
    if (frames.length > 0 && !this.call.write(Buffer.concat(frames))) await this.call.drained();
    else await new Promise((resolve) => setImmediate(resolve));
  }
}
