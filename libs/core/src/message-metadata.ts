/** What accompanies every message (event, command, integration event) on its way: identity, cause, conversation, actor. */
export interface MessageMetadata {
  /** Identity of this message; an event's is a UUID. */
  readonly id: string;
  /** The conversation: one id from the first request to the last mail. Stored as EventStoreDB's `$correlationId`. */
  readonly correlationId: string;
  /** The id of the message that caused this one. Stored as EventStoreDB's `$causationId`. */
  readonly causationId: string;
  /** When it was recorded. */
  readonly created: Date;
  /** Who asked, where that is known. */
  readonly actor?: string | undefined;
  /** The trace that it belongs to, as W3C's `traceparent`. */
  readonly traceparent?: string | undefined;
}
