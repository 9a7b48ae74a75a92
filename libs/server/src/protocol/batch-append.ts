/**
 * BatchAppend: many appends on one call, each named by its correlation id and perhaps sent in several messages.
 *
 *   first message (options) -> collecting -- is_final --> writing -> answered
 *                               any of these -- deadline --> answered (Timeout), whatever comes later is dropped
 *
 * Every correlation id gets exactly one answer. Answers that are ready in the same turn go out in one write.
 */
import { CodedError, isCodedError } from '@annals/core';
import {
  AccessDenied,
  AppendTimedOut,
  InvalidArgument,
  MaximumAppendSizeExceeded,
  NotAuthenticated,
  StreamDeleted,
  WrongExpectedRevision,
  type ExpectedRevision,
} from '../errors.js';
import type { ProposedEvent } from '../storage/record-format.js';
import type { StreamWriter, AppendResult } from '../streams/append.js';
import type { Access } from './access.js';
import type { GrpcCall } from './grpc-call.js';
import { GRPC, statusOf } from './grpc-status.js';
import { grpcFrame, ProtoReader, ProtoWriter } from './protobuf.js';
import { parseProposedEvent, parseUuid } from './proposed-event.js';
import { parseBatchOptions, type AppendOptions } from './stream-requests.js';

const EMPTY = Buffer.alloc(0);
const DEADLINE_CHECK_MS = 100;
/** A batch that is not finished may hold this much in memory beyond the maximum append size, for metadata and ids. */
const COLLECT_FACTOR = 16;

interface Batch {
  readonly correlationId: Buffer;
  options: AppendOptions | undefined;
  readonly events: ProposedEvent[];
  bytes: number;
  /** The first fault found; told once the batch is finished or at once when it cannot get better. */
  fault: Error | undefined;
}

export function batchAppend(call: GrpcCall, writer: StreamWriter, access: Access): void {
  const batches = new BatchAppendCall(call, writer, access);
  call.receive(
    (message) => batches.take(message),
    () => batches.finish(),
  );
}

class BatchAppendCall {
  private readonly open = new Map<string, Batch>();
  private answers: Buffer[] = [];
  private finished = false;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly call: GrpcCall,
    private readonly writer: StreamWriter,
    private readonly access: Access,
  ) {
    call.whenOver(() => {
      clearInterval(this.timer);
      this.open.clear();
    });
  }

  take(message: Buffer): void {
    const reader = new ProtoReader(message);
    let key = '';
    let correlationId: Buffer = EMPTY;
    let options: ProtoReader | undefined;
    const proposed: ProtoReader[] = [];
    let final = false;
    while (reader.next()) {
      if (reader.field === 1) {
        correlationId = reader.bytes();
        key = parseUuid(new ProtoReader(correlationId));
      } else if (reader.field === 2) options = reader.message();
      else if (reader.field === 3) proposed.push(reader.message());
      else if (reader.field === 4) final = reader.bool();
      else reader.skip();
    }
    if (key === '') throw new InvalidArgument('A batch has no correlation id.');
    let batch = this.open.get(key);
    if (!batch) {
      if (!options && !final) return; // the rest of a batch that was answered already
      batch = { correlationId: Buffer.from(correlationId), options: undefined, events: [], bytes: 0, fault: undefined };
      this.open.set(key, batch);
    }
    this.collect(batch, options, proposed, message.length);
    if (final) void this.write(key, batch);
  }

  finish(): void {
    this.finished = true;
    for (const [key, batch] of this.open) if (batch.options === undefined) this.open.delete(key);
    this.endWhenDone();
  }

  private collect(
    batch: Batch,
    options: ProtoReader | undefined,
    proposed: readonly ProtoReader[],
    bytes: number,
  ): void {
    if (batch.fault !== undefined) return;
    try {
      if (options) {
        batch.options = parseBatchOptions(options);
        if (batch.options.deadline !== undefined)
          this.timer ??= setInterval(() => this.checkDeadlines(), DEADLINE_CHECK_MS).unref();
      }
      if (!batch.options) throw new InvalidArgument('The first message of a batch has no options.');
      batch.bytes += bytes;
      if (batch.bytes > COLLECT_FACTOR * this.writer.maximumAppendSize)
        throw new MaximumAppendSizeExceeded(this.writer.maximumAppendSize);
      for (const event of proposed) batch.events.push(parseProposedEvent(event, batch.events.at(-1)));
    } catch (error) {
      batch.fault = error instanceof Error ? error : new Error(String(error));
      batch.events.length = 0;
    }
  }

  private async write(key: string, batch: Batch): Promise<void> {
    try {
      if (batch.fault !== undefined) throw batch.fault;
      const { options } = batch;
      if (!options) throw new InvalidArgument('The batch has no options.');
      if (options.deadline !== undefined && options.deadline <= Date.now()) throw new AppendTimedOut();
      this.access.check(this.call, options.stream, 'write');
      const result = await this.writer.append(options.stream, options.expected, batch.events);
      this.answer(key, batch, success(result));
    } catch (error) {
      if (!isCodedError(error)) process.emitWarning(error instanceof Error ? error : String(error));
      this.answer(key, batch, failure(error));
    }
  }

  private checkDeadlines(): void {
    const now = Date.now();
    for (const [key, batch] of this.open) {
      const deadline = batch.options?.deadline;
      if (deadline !== undefined && deadline <= now) this.answer(key, batch, failure(new AppendTimedOut()));
    }
  }

  private answer(key: string, batch: Batch, outcome: ProtoWriter): void {
    if (this.open.get(key) !== batch) return;
    this.open.delete(key);
    const message = new ProtoWriter().bytes(1, batch.correlationId);
    const { options } = batch;
    // The client reads the stream's name from every failure, so it is there even when none was understood.
    const echo = echoOf(options?.stream ?? '', options?.expected);
    this.answers.push(grpcFrame(Buffer.concat([message.finish(), outcome.finish(), echo])));
    if (this.answers.length === 1) setImmediate(() => this.flush());
  }

  private flush(): void {
    const { answers } = this;
    this.answers = [];
    if (answers.length > 0) this.call.write(answers.length === 1 && answers[0] ? answers[0] : Buffer.concat(answers));
    this.endWhenDone();
  }

  private endWhenDone(): void {
    if (this.finished && this.open.size === 0 && this.answers.length === 0) this.call.end();
  }
}

function echoOf(stream: string, expected: ExpectedRevision | undefined): Buffer {
  const out = new ProtoWriter().bytes(4, new ProtoWriter().bytes(3, stream).finish());
  if (expected?.kind === 'exact') out.varint(5, expected.wide ?? expected.revision);
  else if (expected) out.bytes(expected.kind === 'no_stream' ? 6 : expected.kind === 'any' ? 7 : 8, EMPTY);
  return out.finish();
}

function success({ revision, position }: AppendResult): ProtoWriter {
  const out = new ProtoWriter().varint(1, revision);
  if (position === undefined) out.bytes(4, EMPTY);
  else out.bytes(3, new ProtoWriter().varint(1, position).varint(2, position).finish());
  return new ProtoWriter().bytes(3, out.finish());
}

/** google.rpc.Status with the details that clients turn into their errors. */
function failure(error: unknown): ProtoWriter {
  const { code, type, details } = describe(error);
  const { message } = statusOf(error);
  const any = new ProtoWriter().bytes(1, `type.googleapis.com/${type}`).bytes(2, details).finish();
  return new ProtoWriter().bytes(2, new ProtoWriter().varint(1, code).bytes(2, message).bytes(3, any).finish());
}

function describe(error: unknown): { code: number; type: string; details: Buffer } {
  const client = 'event_store.client.';
  if (error instanceof WrongExpectedRevision)
    return { code: GRPC.alreadyExists, type: `${client}WrongExpectedVersion`, details: wrongExpectedVersion(error) };
  if (error instanceof StreamDeleted) {
    const identifier = new ProtoWriter().bytes(3, error.stream).finish();
    return {
      code: GRPC.notFound,
      type: `${client}StreamDeleted`,
      details: new ProtoWriter().bytes(1, identifier).finish(),
    };
  }
  if (error instanceof MaximumAppendSizeExceeded)
    return {
      code: GRPC.invalidArgument,
      type: `${client}MaximumAppendSizeExceeded`,
      details: new ProtoWriter().varint(1, error.maximum).finish(),
    };
  if (error instanceof AppendTimedOut) return { code: GRPC.deadlineExceeded, type: `${client}Timeout`, details: EMPTY };
  if (error instanceof AccessDenied || error instanceof NotAuthenticated)
    return { code: GRPC.permissionDenied, type: `${client}AccessDenied`, details: EMPTY };
  const { code, message } = statusOf(error);
  if (error instanceof InvalidArgument || code === GRPC.invalidArgument)
    return {
      code: GRPC.invalidArgument,
      type: `${client}BadRequest`,
      details: new ProtoWriter().bytes(1, message).finish(),
    };
  // Of types that it does not know, the client shows the text.
  const reason = error instanceof CodedError ? error.code : 'SERVER_INTERNAL';
  return {
    code,
    type: 'google.rpc.ErrorInfo',
    details: new ProtoWriter().bytes(1, reason).bytes(2, 'annals').finish(),
  };
}

function wrongExpectedVersion({ expected, actual }: WrongExpectedRevision): Buffer {
  const out = new ProtoWriter();
  if (actual >= 0) out.varint(1, actual);
  else out.bytes(2, EMPTY);
  if (expected.kind === 'exact') out.varint(3, expected.wide ?? expected.revision);
  else out.bytes(expected.kind === 'any' ? 4 : expected.kind === 'stream_exists' ? 5 : 6, EMPTY);
  return out.finish();
}
