import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { context, propagation, SpanStatusCode, trace } from '@opentelemetry/api';
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { CodedError, DomainError } from './coded-error.js';
import { runInContext } from './message-context.js';
import { currentTraceparent, inSpan, isSampled, isTraceparent, isTracing, traceIdOf } from './tracing.js';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const given = `00-${traceId}-00f067aa0ba902b7-01`;
const conversation = { correlationId: 'c', traceparent: given };

class NotEnough extends DomainError {
  readonly code = 'NOT_ENOUGH';
}
class Broken extends CodedError {
  readonly code = 'BROKEN';
}

describe('traceparent', () => {
  it.each([
    ['00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00', true],
    ['cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-comes-later', true],
    ['00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more', false],
    ['ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', false],
    ['00-00000000000000000000000000000000-00f067aa0ba902b7-01', false],
    ['00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01', false],
    ['nonsense', false],
    [undefined, false],
  ])('%s is one: %s', (text, valid) => expect(isTraceparent(text)).toBe(valid));

  it('says whether the trace is recorded', () => {
    expect(isSampled(given)).toBe(true);
    expect(isSampled(given.replace(/01$/, '00'))).toBe(false);
    expect(isSampled(undefined)).toBe(false);
    expect(traceIdOf(given)).toBe(traceId);
  });
});

describe('without an SDK', () => {
  it('work is done, and what the message came with is carried on', async () => {
    expect(isTracing()).toBe(false);
    expect(currentTraceparent()).toBeUndefined();
    const carried = await runInContext(conversation, () =>
      inSpan('work', { attributes: () => fail() }, () => Promise.resolve(currentTraceparent())),
    );
    expect(carried).toBe(given);
  });
});

describe('with an SDK', () => {
  const recorded = new InMemorySpanExporter();
  beforeAll(() => new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(recorded)] }).register());
  afterEach(() => recorded.reset());
  afterAll(() => {
    trace.disable();
    context.disable();
    propagation.disable();
  });

  it('a span belongs to the conversation it is made in, and what it sends to the span', async () => {
    const sent = await runInContext(conversation, () =>
      inSpan('outer', {}, () => inSpan('inner', {}, () => Promise.resolve(currentTraceparent()))),
    );
    const [inner, outer] = recorded.getFinishedSpans();
    expect(outer?.parentSpanContext?.spanId).toBe('00f067aa0ba902b7');
    expect(inner?.parentSpanContext?.spanId).toBe(outer?.spanContext().spanId);
    expect(sent).toBe(`00-${traceId}-${inner?.spanContext().spanId}-01`);
  });

  it('a message decides to which trace its handling belongs', async () => {
    await inSpan('something else', {}, () => inSpan('handling', { parent: given }, () => Promise.resolve()));
    expect(recorded.getFinishedSpans()[0]?.spanContext().traceId).toBe(traceId);
  });

  it('a trace that nobody records stays so', async () => {
    const parent = given.replace(/01$/, '00');
    const sent = await inSpan('work', { parent }, () => Promise.resolve(currentTraceparent()));
    expect(recorded.getFinishedSpans()).toEqual([]);
    expect(traceIdOf(sent)).toBe(traceId);
    expect(isSampled(sent)).toBe(false);
  });

  it.each([
    [new NotEnough('Only 3 left for Jane Doe.'), 'NOT_ENOUGH', SpanStatusCode.UNSET],
    [new Broken('Jane Doe broke it.'), 'BROKEN', SpanStatusCode.ERROR],
    [new TypeError('Jane Doe'), 'TypeError', SpanStatusCode.ERROR],
  ])('%s ends a span by its code, and never by its text', async (error, type, status) => {
    await expect(inSpan('work', {}, () => Promise.reject(error))).rejects.toBe(error);
    const [span] = recorded.getFinishedSpans();
    expect(span?.attributes['error.type']).toBe(type);
    expect(span?.status.code).toBe(status);
    expect(JSON.stringify([span?.attributes, span?.status, span?.events])).not.toContain('Jane');
  });
});

function fail(): never {
  throw new Error('Nobody records, nobody asks for attributes.');
}
