/** A read: its events as they come, all at once or as fast as they are wanted. */
import { decodeReadAnswer } from '../read-answer.js';
import type { RecordedEvent } from '../recorded-event.js';
import type { GrpcCall } from './grpc-call.js';
import type { GrpcSession } from './grpc-session.js';
import { readPath } from './read-request.js';

/** Events held before the node is held back. */
const highWater = 512;

export class EventRead {
  private readonly call: GrpcCall;
  private events: RecordedEvent[] = [];
  private isPaused = false;
  private isOver = false;
  private failure: Error | undefined;
  private wake: (() => void) | undefined;
  private most = highWater;

  /** @param request see read-request.ts */
  constructor(session: GrpcSession, request: Buffer) {
    this.call = session.call(readPath, {
      message: (bytes) => this.receive(bytes),
      ended: (failure) => this.end(failure),
    });
    this.call.end([request]);
  }

  /** All events; none when there is no such stream. Rejects with what broke the read. */
  async all(): Promise<readonly RecordedEvent[]> {
    this.most = Infinity;
    while (!this.isOver) await this.change();
    if (this.failure) throw this.failure;
    return this.events;
  }

  /** The events that came since the last time; none: that is all. Rejects with what broke the read, after what came before. */
  async next(): Promise<readonly RecordedEvent[]> {
    while (this.events.length === 0 && !this.isOver) await this.change();
    if (this.events.length === 0 && this.failure) throw this.failure;
    const { events } = this;
    this.events = [];
    if (this.isPaused) {
      this.isPaused = false;
      this.call.resume();
    }
    return events;
  }

  /** Wants no more. */
  cancel(): void {
    if (!this.isOver) this.call.cancel();
    this.end(undefined);
  }

  private receive(bytes: Buffer): void {
    const answer = decodeReadAnswer(bytes);
    if (answer.kind !== 'event') return;
    this.events.push(answer.recorded);
    if (this.events.length === 1 && this.most < Infinity) this.wake?.();
    if (this.events.length >= this.most && !this.isPaused) {
      this.isPaused = true;
      this.call.pause();
    }
  }

  private end(failure: Error | undefined): void {
    if (this.isOver) return;
    this.isOver = true;
    this.failure = failure;
    this.wake?.();
  }

  private change(): Promise<void> {
    return new Promise((resolve) => (this.wake = resolve));
  }
}
