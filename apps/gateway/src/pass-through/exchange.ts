/** One request to one upstream and back, under its circuit, bulkhead and time limit. */
import type { Readable } from 'node:stream';
import { DependencyUnreachable, type Passage } from '@annals/resilience';
import type { FastifyReply } from 'fastify';
import { Answer, type AnswerOptions, type AnswerWitness } from './answer.js';
import { ClientGone } from './errors.js';
import type { Upstream } from './upstream.js';

export interface Exchange {
  readonly upstream: Upstream;
  readonly method: string;
  /** As the upstream takes it, with the query. */
  readonly path: string;
  /** Names and values in turn. */
  readonly headers: string[];
  readonly body: Readable | undefined;
  /** Until the answer begins. */
  readonly timeoutMs: number;
  readonly reply: FastifyReply;
  readonly own: AnswerOptions['own'];
  readonly compresses: AnswerOptions['compresses'];
  readonly witness?: AnswerWitness | undefined;
}

const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Resolves when the answer is sent, or was broken off.
 * @throws what is to be answered instead: CircuitOpen, BulkheadFull, DependencyTimeout, DependencyUnreachable; ClientGone
 * when there is nobody to answer to
 */
export function carryOut(exchange: Exchange): Promise<void> {
  const { upstream, method, body } = exchange;
  if (body !== undefined || !safeMethods.has(method)) return once(exchange);
  return upstream.dependency.retrying({ worthwhile }, () => once(exchange));
}

/** A connection that broke before there was an answer, for a request that can be made again. */
const worthwhile = (error: unknown): boolean => error instanceof DependencyUnreachable;

function once(exchange: Exchange): Promise<void> {
  const { dependency } = exchange.upstream;
  if (exchange.reply.raw.destroyed) return Promise.reject(new ClientGone());
  const passage = dependency.tryEnter();
  return passage ? dispatched(exchange, passage) : queued(exchange);
}

async function queued(exchange: Exchange): Promise<void> {
  const { raw } = exchange.reply;
  const gone = new AbortController();
  const leave = () => gone.abort(new ClientGone());
  raw.once('close', leave);
  const passage = await exchange.upstream.dependency.enter(gone.signal).finally(() => raw.off('close', leave));
  if (!raw.destroyed) return dispatched(exchange, passage);
  passage.abandoned();
  throw new ClientGone();
}

function dispatched(exchange: Exchange, passage: Passage): Promise<void> {
  const { upstream, method, path, headers, body, timeoutMs, reply, own, compresses, witness } = exchange;
  const { raw } = reply;
  return new Promise((resolve, reject) => {
    const leave = () => answer.abandon();
    const done = (error?: Error) => {
      raw.off('close', leave);
      if (error) reject(error);
      else resolve();
    };
    const dependency = upstream.name;
    const answer = new Answer({ reply, passage, dependency, timeoutMs, own, compresses, witness, done });
    raw.once('close', leave);
    body?.once('error', (fault) => answer.refuseBody(fault));
    try {
      upstream.pool.dispatch(
        {
          method: method,
          path,
          headers,
          body: body ?? null,
          headersTimeout: 0, // the answer's own limit is finer
        },
        answer,
      );
    } catch (error) {
      answer.onResponseError(undefined, error as Error);
    }
  });
}
