/**
 * The answer of a context on its way to the client, chunk by chunk and never whole in memory: a slow client slows the
 * context's connection down, a client that goes away ends it.
 *
 *     waiting ──head──▶ streaming ──end──▶ done
 *        │                  │
 *        └─error: told      └─error: the client's connection is cut, since its answer has begun and has no end
 */
import { Readable } from 'node:stream';
import { DependencyFailed, DependencyTimeout, retryAfterMs, type Passage } from '@annals/resilience';
import type { FastifyReply } from 'fastify';
import type { Dispatcher } from 'undici';
import { ClientGone, upstreamError } from './errors.js';
import type { OwnHeaders } from './own-headers.js';
import { answerHeaders, type UpstreamHeaders } from './response-headers.js';

/** Who looks at an answer as it passes. */
export interface AnswerWitness {
  began(status: number, headers: UpstreamHeaders): void;
  data(chunk: Buffer): void;
  ended(): void;
  broke(): void;
}

export interface AnswerOptions {
  readonly reply: FastifyReply;
  readonly passage: Passage;
  readonly dependency: string;
  readonly timeoutMs: number;
  readonly own: OwnHeaders;
  /** Whether an answer with these headers is to be compressed: then it takes the way through Fastify's hooks. */
  readonly compresses: (headers: UpstreamHeaders) => boolean;
  readonly witness?: AnswerWitness | undefined;
  /** Called once: without an error when all of it is sent, with one when the client has seen nothing of it. */
  readonly done: (error?: Error) => void;
}

export class Answer implements Dispatcher.DispatchHandler {
  private controller: Dispatcher.DispatchController | undefined;
  private state: 'waiting' | 'streaming' | 'done' = 'waiting';
  private status = 0;
  /** Bytes that are still to come; NaN where that was not said. */
  private expected = NaN;
  /** Set when the answer takes the way through Fastify. */
  private body: Readable | undefined;
  private paused = false;
  private bodyFault: Error | undefined;
  /** Why it is to end before its end. */
  private ending: Error | undefined;
  private readonly overdue: NodeJS.Timeout;

  constructor(private readonly options: AnswerOptions) {
    const { dependency, timeoutMs } = options;
    this.overdue = setTimeout(() => this.end(new DependencyTimeout(dependency, timeoutMs)), timeoutMs);
  }

  /** The client has left. */
  abandon(): void {
    if (this.state !== 'done') this.end(new ClientGone());
  }

  /** What the client sends cannot be taken: no fault of the context. */
  refuseBody(fault: Error): void {
    this.bodyFault ??= fault;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    if (this.ending) controller.abort(this.ending);
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: UpstreamHeaders): void {
    if (status < 200) return; // what is only on the way to an answer is not passed on
    const { reply, own, compresses, witness } = this.options;
    clearTimeout(this.overdue);
    this.state = 'streaming';
    this.status = status;
    witness?.began(status, headers);
    if (status >= 500)
      this.fail(new DependencyFailed(this.options.dependency, status, retryAfterMs(headers['retry-after'])));
    if (compresses(headers)) {
      this.body = new Readable({ read: () => this.resume() });
      void reply
        .code(status)
        .headers(joined(answerHeaders(headers, own)))
        .send(this.body);
      return;
    }
    const length = headers['content-length'];
    this.expected = typeof length === 'string' && reply.request.method !== 'HEAD' ? Number(length) : NaN;
    reply.hijack();
    reply.raw.writeHead(status, answerHeaders(headers, own));
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.options.witness?.data(chunk);
    if (this.body) {
      if (!this.body.push(chunk)) this.pause(controller);
      return;
    }
    const { raw } = this.options.reply;
    this.expected -= chunk.length;
    if (this.expected === 0) return void raw.end(chunk); // head, body and end in one piece
    if (raw.write(chunk)) return;
    this.pause(controller);
    raw.once('drain', () => this.resume());
  }

  onResponseEnd(): void {
    const { reply, passage, witness, done } = this.options;
    this.state = 'done';
    if (this.body) this.body.push(null);
    else if (!reply.raw.writableEnded) reply.raw.end();
    if (this.status < 500) passage.succeeded();
    witness?.ended();
    done();
  }

  onResponseError(_: Dispatcher.DispatchController | undefined, cause: Error): void {
    const { reply, passage, dependency, timeoutMs, witness, done } = this.options;
    const streaming = this.state === 'streaming';
    this.state = 'done';
    clearTimeout(this.overdue);
    const error = this.bodyFault ?? this.ending ?? upstreamError(cause, dependency, timeoutMs);
    if (error === this.bodyFault || error instanceof ClientGone) passage.abandoned();
    else this.fail(error);
    witness?.broke();
    if (!streaming) return done(error);
    // There is no other way to tell a client that what it has is not all.
    this.body?.destroy(error);
    reply.raw.destroy();
    done();
  }

  private end(reason: Error): void {
    this.ending ??= reason;
    this.controller?.abort(this.ending);
  }

  private fail(error: Error): void {
    this.options.passage.failed(error);
  }

  private pause(controller: Dispatcher.DispatchController): void {
    this.paused = true;
    controller.pause();
  }

  private resume(): void {
    if (!this.paused) return;
    this.paused = false;
    this.controller?.resume();
  }
}

/** As Fastify takes them. */
function joined(flat: readonly string[]): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  for (let i = 0; i < flat.length; i += 2) {
    const [name = '', value = ''] = [flat[i], flat[i + 1]];
    const present = headers[name];
    headers[name] = present === undefined ? value : [present, value].flat();
  }
  return headers;
}
