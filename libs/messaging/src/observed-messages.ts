/**
 * What is told of each message sent and handled: a span in the trace of the request that led to it, and numbers.
 * Names of https://opentelemetry.io/docs/specs/semconv/messaging/ as far as there are any.
 */
import {
  currentTraceparent,
  durationHistogram,
  inSpan,
  instrument,
  isCodedError,
  isMeasuring,
  isSampled,
  isTraceparent,
  isTracing,
  timed,
} from '@annals/core';
import type { CloudEvent } from './envelope/cloud-event.js';
import type { Destination, Inlet, Transport } from './transport/transport.js';

const sent = instrument((meter) =>
  meter.createCounter('messaging.client.sent.messages', { unit: '{message}', description: 'Messages given out.' }),
);
const processing = durationHistogram('messaging.process.duration', 'How long messages took to have their effect.');
const buried = instrument((meter) =>
  meter.createCounter('annals.messages.buried', { unit: '{message}', description: 'Messages made dead letters.' }),
);

type Publishing = Pick<Transport, 'publish'>;

/** Gives a message to the transport. */
export function publishObserved(transport: Publishing, destination: Destination, message: CloudEvent): Promise<void> {
  return isMeasuring() || isTracing()
    ? observedPublish(transport, destination, message)
    : transport.publish(destination, message);
}

async function observedPublish(transport: Publishing, destination: Destination, message: CloudEvent): Promise<void> {
  const { type } = message;
  if (isTracing() && (message.traceparent === undefined || isSampled(message.traceparent)))
    await inSpan(
      `send ${type}`,
      { kind: 'producer', parent: message.traceparent, attributes: () => described('send', message) },
      () => transport.publish(destination, { ...message, ...traced() }),
    );
  else await transport.publish(destination, message);
  sent().add(1, { 'messaging.destination.name': type });
}

const traced = (): Pick<CloudEvent, 'traceparent'> => {
  const traceparent = currentTraceparent();
  return traceparent === undefined ? {} : { traceparent };
};

/** Has a message's effect. */
export const handleObserved = (inlet: Inlet, message: CloudEvent, handle: () => Promise<void>): Promise<void> =>
  timed(
    processing,
    (failure) => ({
      'messaging.destination.name': message.type,
      ...(failure && { 'error.type': isCodedError(failure.error) ? failure.error.code : 'unknown' }),
    }),
    () =>
      inSpan(
        `process ${message.type}`,
        {
          kind: 'consumer',
          parent: traceparentOf(message),
          attributes: () => ({ ...described('process', message), 'annals.context': inlet.context }),
        },
        handle,
      ),
  );

/** Counts a dead letter. */
export const countBuried = ({ context }: Inlet, code: string): void => buried().add(1, { context, 'error.type': code });

/** The trace that a message says it belongs to, when it is one. */
export const traceparentOf = ({ traceparent }: CloudEvent): string | undefined =>
  isTraceparent(traceparent) ? traceparent : undefined;

const described = (operation: 'send' | 'process', { id, type, subject, correlationid }: CloudEvent) => ({
  'messaging.operation.type': operation,
  'messaging.destination.name': type,
  'messaging.message.id': id,
  'messaging.message.conversation_id': correlationid,
  'annals.subject': subject,
});
