/**
 * Appends over one `BatchAppend` call, any number at a time, each known by its correlation id:
 *
 *   open ── an answer ──▶ its append settles        open ── the call ends ──▶ all that wait fail; over
 *
 * An answer that never comes is for the caller to notice.
 */
import { randomUUID } from 'node:crypto';
import {
  decodeAppendAnswer,
  encodeAppend,
  type Appended,
  type ExpectedRevision,
  type ProposedEvent,
} from './append-messages.js';
import { CallLost, type GrpcCall } from './grpc-call.js';
import type { GrpcSession } from './grpc-session.js';

const path = '/event_store.client.streams.Streams/BatchAppend';

interface Waiting {
  readonly resolve: (appended: Appended) => void;
  readonly reject: (error: Error) => void;
}

export class AppendCall {
  private readonly waiting = new Map<string, Waiting>();
  private readonly call: GrpcCall;
  private readonly prefix = randomUUID().slice(0, 24);
  private count = 0;
  private isOver = false;

  constructor(session: GrpcSession) {
    this.call = session.call(path, {
      message: (bytes) => this.answered(bytes),
      ended: (failure) => this.end(failure ?? new CallLost('the event store ended the call of appends')),
    });
  }

  /** Whether it takes appends. */
  get isOpen(): boolean {
    return !this.isOver;
  }

  /** Rejects with the client's errors when the append is refused; with others when nobody knows whether it was made. */
  append(stream: string, expected: ExpectedRevision, events: readonly ProposedEvent[]): Promise<Appended> {
    // A UUID as the protocol wants it: random between calls, counted within one.
    const id = this.prefix + (++this.count).toString(16).padStart(12, '0');
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.call.write(encodeAppend(id, stream, expected, events));
    });
  }

  /** Takes no more; those under way are answered. */
  close(): void {
    this.isOver = true;
    this.call.end();
  }

  private answered(bytes: Buffer): void {
    const { correlationId, outcome } = decodeAppendAnswer(bytes);
    const append = this.waiting.get(correlationId);
    this.waiting.delete(correlationId);
    if (outcome instanceof Error) append?.reject(outcome);
    else append?.resolve(outcome);
  }

  private end(failure: Error): void {
    this.isOver = true;
    const waiting = [...this.waiting.values()];
    this.waiting.clear();
    for (const { reject } of waiting) reject(failure);
  }
}
