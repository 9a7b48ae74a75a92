/** What is told of each append: a span, how long it took, how many events it stored. */
import { durationHistogram, inSpan, instrument, isCodedError, isMeasuring, isTracing, timed } from '@annals/core';

// Names of https://opentelemetry.io/docs/specs/semconv/database/database-metrics/ as far as there are any.
const durations = durationHistogram('db.client.operation.duration', 'How long appends to the event store took.');
const appended = instrument((meter) =>
  meter.createCounter('annals.appended.events', {
    unit: '{event}',
    description: 'Events appended to the event store.',
  }),
);

const operation = { 'db.system.name': 'eventstoredb', 'db.operation.name': 'append' } as const;
const outcome = (failure?: { readonly error: unknown }) =>
  failure ? { ...operation, 'error.type': isCodedError(failure.error) ? failure.error.code : 'unknown' } : operation;

export function observedAppend<Result>(stream: string, events: number, append: () => Promise<Result>): Promise<Result> {
  return isMeasuring() || isTracing() ? observed(stream, events, append) : append();
}

async function observed<Result>(stream: string, events: number, append: () => Promise<Result>): Promise<Result> {
  const result = await timed(durations, outcome, () =>
    inSpan('append', { kind: 'client', attributes: () => ({ ...operation, 'annals.stream': stream }) }, append),
  );
  appended().add(events);
  return result;
}
