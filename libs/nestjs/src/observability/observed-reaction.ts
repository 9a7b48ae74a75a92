/** A reactor's work on one event, in the conversation and the trace of the event. */
import { inSpan, runInContext } from '@annals/core';
import type { EventContext } from '@annals/event-store';

export const observedReaction = (name: string, at: EventContext, react: () => unknown): Promise<unknown> => {
  const { id, correlationId, actor, traceparent, stream } = at;
  const attributes = () => ({
    'annals.reactor': name,
    'annals.stream': stream,
    'annals.correlation_id': correlationId,
  });
  return runInContext({ correlationId, causationId: id, actor, traceparent }, () =>
    inSpan(`reactor ${name}`, { parent: traceparent, attributes }, async () => await react()),
  );
};
