/**
 * Traces across messages, on nothing but OpenTelemetry's API: without an SDK every function here does its work and no
 * more. What is stored and sent is W3C's `traceparent`, so that a message that is read a day later, in another process,
 * still belongs to the trace of the request that led to it.
 * Source: https://www.w3.org/TR/trace-context/#traceparent-header
 */
import {
  context,
  isSpanContextValid,
  ProxyTracerProvider,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Attributes,
  type Context,
  type Span,
  type SpanContext,
} from '@opentelemetry/api';
import { isCodedError } from './coded-error.js';
import { currentContext } from './message-context.js';

export interface SpanOptions {
  /** What it is to others: `producer` and `consumer` of a message, `client` of a store or server, `server` of a request. */
  readonly kind?: 'internal' | 'server' | 'client' | 'producer' | 'consumer';
  /** Asked only when somebody records the span. */
  readonly attributes?: () => Attributes;
  /** `traceparent` of the message that this belongs to; default: the running span, then the running conversation's. */
  readonly parent?: string | undefined;
}

const kinds = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
} as const;

// Finds the SDK when it is registered, before or after this line.
const tracer = trace.getTracer('annals');
const nobody = new ProxyTracerProvider().getDelegate();

/** Whether there is an SDK that records spans. */
export function isTracing(): boolean {
  const provider = trace.getTracerProvider() as Partial<ProxyTracerProvider>;
  return provider.getDelegate?.() !== nobody;
}

/** The `traceparent` to give to what the running code sends or stores; undefined outside of any trace. */
export function currentTraceparent(): string | undefined {
  const span = trace.getActiveSpan()?.spanContext();
  return span && isSpanContextValid(span) ? traceparentOf(span) : currentContext()?.traceparent;
}

/** Does `work` as a span; what it calls, sends and stores belongs to it. Without an SDK: does `work`. */
export function inSpan<Result>(name: string, options: SpanOptions, work: () => Promise<Result>): Promise<Result> {
  return isTracing() ? recorded(startSpan(name, options), work) : work();
}

/** A span that the caller ends, for work that is not one call. Without an SDK, a span that nobody records. */
export function startSpan(name: string, { kind = 'internal', attributes, parent }: SpanOptions = {}): Span {
  const active = context.active();
  const known = parent ?? (trace.getSpan(active) ? undefined : currentContext()?.traceparent);
  const span = tracer.startSpan(name, { kind: kinds[kind] }, inTrace(active, known));
  if (attributes && span.isRecording()) span.setAttributes(attributes());
  return span;
}

/** Runs `work` with `span` as the running one. */
export const withSpan = <Result>(span: Span, work: () => Result): Result =>
  context.with(trace.setSpan(context.active(), span), work);

/** Ends a span. A business rejection is an outcome; only what should not happen is an error. Texts stay out: they may be personal. */
export function endSpan(span: Span, failure?: { readonly error: unknown }, at?: Date): void {
  if (failure && span.isRecording()) {
    const { error } = failure;
    const type = isCodedError(error) ? error.code : error instanceof Error ? error.name : 'unknown';
    span.setAttribute('error.type', type);
    if (!(isCodedError(error) && expected.has(error.kind)))
      span.setStatus({ code: SpanStatusCode.ERROR, message: type });
  }
  span.end(at);
}

/** The `traceparent` of a span, for what leaves the process. */
export const traceparentOf = ({ traceId, spanId, traceFlags }: SpanContext): string =>
  `00-${traceId}-${spanId}-${(traceFlags & TraceFlags.SAMPLED).toString(16).padStart(2, '0')}`;

/** Whether a text is a `traceparent` that can be carried on. */
export const isTraceparent = (value: unknown): value is string =>
  typeof value === 'string' && spanContextOf(value) !== undefined;

/** Whether somebody decided that the trace is recorded. */
export const isSampled = (traceparent: string | undefined): boolean =>
  traceparent !== undefined && ((spanContextOf(traceparent)?.traceFlags ?? 0) & TraceFlags.SAMPLED) !== 0;

/** The trace that a `traceparent` names; undefined when there is none, or it is none. */
export const traceIdOf = (traceparent: string | undefined): string | undefined =>
  traceparent === undefined ? undefined : spanContextOf(traceparent)?.traceId;

const expected: ReadonlySet<string> = new Set(['rejected', 'invalid', 'not-found', 'conflict']);
const pattern = /^[\da-f]{2}-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-.*)?$/;

function spanContextOf(traceparent: string): SpanContext | undefined {
  const [, traceId = '', spanId = '', flags = '', beyond] = pattern.exec(traceparent) ?? [];
  const version = traceparent.slice(0, 2);
  // Later versions may have more parts; version 00 has not, and ff is forbidden.
  if (version === 'ff' || (version === '00' && beyond !== undefined)) return undefined;
  const span = { traceId, spanId, traceFlags: parseInt(flags, 16) & TraceFlags.SAMPLED, isRemote: true };
  return isSpanContextValid(span) ? span : undefined;
}

function inTrace(active: Context, traceparent: string | undefined): Context {
  const span = traceparent === undefined ? undefined : spanContextOf(traceparent);
  return span ? trace.setSpanContext(ROOT_CONTEXT, span) : active;
}

async function recorded<Result>(span: Span, work: () => Promise<Result>): Promise<Result> {
  try {
    const result = await withSpan(span, work);
    endSpan(span);
    return result;
  } catch (error) {
    endSpan(span, { error });
    throw error;
  }
}
