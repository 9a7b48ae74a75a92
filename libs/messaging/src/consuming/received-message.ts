import type { DomainEvent } from '@annals/core';
import type { CloudEvent } from '../envelope/cloud-event.js';

/** A message as its handlers get it: checked against its contract. */
export interface ReceivedMessage<Message extends DomainEvent = DomainEvent> {
  /** The message itself, as plain `{ type, data }`. */
  readonly event: Message;
  /** Its identity: a repeated delivery has the same. */
  readonly id: string;
  readonly type: string;
  /** The context that sent it. */
  readonly source: string;
  /** The aggregate that it is about. */
  readonly subject: string;
  /** When it happened. */
  readonly time: Date;
  readonly correlationId: string;
  /** The id of the message that caused this one. */
  readonly causationId: string;
  readonly actor?: string;
  /** Which delivery of it this is, from 1. */
  readonly deliveries: number;
}

/** Has the message's effect; returns when it is done. May be called again with the same message. */
export type MessageHandler<Message extends DomainEvent = DomainEvent> = (
  message: ReceivedMessage<Message>,
) => Promise<void>;

export const receivedMessage = (envelope: CloudEvent, data: unknown, deliveries: number): ReceivedMessage => ({
  event: { type: envelope.type, data },
  id: envelope.id,
  type: envelope.type,
  source: envelope.source,
  subject: envelope.subject,
  time: new Date(envelope.time),
  correlationId: envelope.correlationid,
  causationId: envelope.causationid,
  ...(envelope.actor !== undefined && { actor: envelope.actor }),
  deliveries,
});
