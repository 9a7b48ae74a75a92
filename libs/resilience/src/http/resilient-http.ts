/**
 * The HTTP client of one dependency: a pool of kept-alive connections (undici), every request under the dependency's
 * policy. Answers are read whole, within the time limit; who wants to stream takes `Dependency.enter`.
 */
import { inSpan } from '@annals/core';
import { Pool, type Dispatcher } from 'undici';
import { dependencies as processDependencies, type Dependencies } from '../dependencies.js';
import type { Dependency } from '../dependency.js';
import { AnswerTooLarge, DependencyFailed, DependencyUnreachable, NoUrl, UnexpectedAnswer } from '../errors.js';
import { urlVariable } from '../policy.js';
import { connectionCode } from '../transient.js';
import { defaultSources, outgoingHeaders, type HeaderSource } from './outgoing-headers.js';
import { retryAfterMs } from './retry-after.js';

export interface HttpRequest {
  readonly method?: string;
  /** Path and query below the dependency's URL; begins with `/`. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Goes out as JSON. */
  readonly body?: unknown;
  /** Makes a request repeatable that otherwise is not; every try carries the same key. */
  readonly idempotencyKey?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** A time limit that is shorter than the policy's, in ms. */
  readonly timeoutMs?: number | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
  /** @throws UnexpectedAnswer when it is no JSON */
  json<Body>(): Body;
}

export interface ResilientHttpOptions {
  readonly dependencies?: Dependencies;
  /** What each request takes along. Default: correlation id, trace, and the caller's authorization. */
  readonly carries?: readonly HeaderSource[];
  /** Default 10 MiB. */
  readonly maxAnswerBytes?: number;
  /** Connections kept open at most. Default: as many as the bulkhead lets through. */
  readonly connections?: number;
}

/** Methods that may be repeated as they are (RFC 9110, section 9.2.2). */
const idempotentMethods = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

export class ResilientHttp {
  private readonly dependency: Dependency;
  private readonly pool: Pool;
  private readonly basePath: string;
  private readonly carries: readonly HeaderSource[];
  private readonly maxAnswerBytes: number;

  /** @throws UnknownDependency, NoUrl */
  constructor(name: string, options: ResilientHttpOptions = {}) {
    const { dependencies = processDependencies, carries = defaultSources, maxAnswerBytes = 10 * 1024 * 1024 } = options;
    this.dependency = dependencies.get(name);
    const { url, timeout, bulkhead } = this.dependency.settings;
    if (url === undefined || !URL.canParse(url)) throw new NoUrl(name, urlVariable(name));
    const { origin, pathname } = new URL(url);
    this.basePath = pathname.replace(/\/+$/, '');
    this.carries = carries;
    this.maxAnswerBytes = maxAnswerBytes;
    this.pool = new Pool(origin, {
      connections: options.connections ?? bulkhead.limit,
      // The policy's limit holds for all of it; undici's own would only cut it short.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: { timeout },
    });
  }

  /**
   * @returns any answer below 500 but 429, whatever its status
   * @throws CircuitOpen, BulkheadFull, DependencyTimeout, DependencyUnreachable, DependencyFailed, AnswerTooLarge
   */
  async request(request: HttpRequest): Promise<HttpAnswer> {
    const { method = 'GET', signal, timeoutMs, idempotencyKey } = request;
    const repeatable = idempotentMethods.has(method) || idempotencyKey !== undefined;
    if (!request.path.startsWith('/')) throw new TypeError(`The path '${request.path}' does not begin with '/'.`);
    const { name } = this.dependency;
    const attributes = () => ({ 'http.request.method': method, 'server.address': name });
    return this.dependency.run(
      (limit) =>
        inSpan(`${method} ${name}`, { kind: 'client', attributes }, () =>
          this.exchange(this.outgoing({ ...request, method }), limit),
        ),
      { signal, timeoutMs, repeatable },
    );
  }

  /**
   * The JSON of a resource.
   * @returns undefined when there is none (404)
   * @throws UnexpectedAnswer for any other status than 2xx; what {@link request} throws
   */
  async get<Body>(
    path: string,
    options: Omit<HttpRequest, 'path' | 'method' | 'body'> = {},
  ): Promise<Body | undefined> {
    const answer = await this.request({ ...options, path });
    return answer.status === 404 ? undefined : this.accepted(answer).json<Body>();
  }

  /**
   * Sends JSON and reads the answer's. Without an idempotency key it is tried once.
   * @throws UnexpectedAnswer for any other status than 2xx; what {@link request} throws
   */
  async post<Body>(
    path: string,
    body: unknown,
    options: Omit<HttpRequest, 'path' | 'method' | 'body'> = {},
  ): Promise<Body> {
    return this.accepted(await this.request({ ...options, method: 'POST', path, body })).json<Body>();
  }

  /** Ends all connections once their answers are there. */
  close(): Promise<void> {
    return this.pool.close();
  }

  private outgoing({ method, path, headers, body, idempotencyKey }: HttpRequest & { method: string }) {
    return {
      method: method,
      path: this.basePath + path,
      headers: {
        accept: 'application/json',
        ...outgoingHeaders(this.carries),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    };
  }

  private async exchange(request: ReturnType<ResilientHttp['outgoing']>, signal: AbortSignal): Promise<HttpAnswer> {
    const { name } = this.dependency;
    try {
      const { statusCode: status, headers, body } = await this.pool.request({ ...request, signal });
      const bytes = await readAll(body, this.maxAnswerBytes, name);
      if (status >= 500 || status === 429)
        throw new DependencyFailed(name, status, retryAfterMs(headers['retry-after']));
      return { status, headers, body: bytes, json: <Body>() => parsed<Body>(name, status, bytes) };
    } catch (error) {
      const code = connectionCode(error);
      throw code === undefined ? error : new DependencyUnreachable(name, code, { cause: error });
    }
  }

  private accepted(answer: HttpAnswer): HttpAnswer {
    if (answer.status >= 200 && answer.status < 300) return answer;
    const { code, detail } = problemIn(answer.body);
    throw new UnexpectedAnswer(this.dependency.name, answer.status, detail ?? code ?? 'no reason was given');
  }
}

/** The HTTP client of a declared dependency. @throws UnknownDependency, NoUrl */
export const resilientHttp = (name: string, options: ResilientHttpOptions = {}): ResilientHttp =>
  new ResilientHttp(name, options);

async function readAll(body: Dispatcher.ResponseData['body'], limit: number, name: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.byteLength;
    if (size > limit) throw new AnswerTooLarge(name, limit); // leaving the loop destroys the body, and its connection
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

function parsed<Body>(name: string, status: number, bytes: Buffer): Body {
  try {
    return JSON.parse(bytes.toString('utf8')) as Body;
  } catch (cause) {
    throw new UnexpectedAnswer(name, status, 'what came is no JSON.', { cause });
  }
}

/** The fields of a problem+json body, where it is one. */
function problemIn(body: Buffer): { readonly code?: string; readonly detail?: string } {
  try {
    const problem: unknown = JSON.parse(body.toString('utf8'));
    return typeof problem === 'object' && problem !== null ? problem : {};
  } catch {
    return {}; // no JSON: the status has to do
  }
}
