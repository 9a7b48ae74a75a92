/** Events as they come back from the store: the fact itself, and where and when it was recorded. */
import type { DomainEvent, MessageMetadata } from '@annals/core';

/** Where and when an event was recorded, and in which conversation. */
export interface EventContext extends MessageMetadata {
  readonly stream: string;
  /** Number of the event in its stream, from 0. */
  readonly revision: number;
  /** Place of the event in `$all`: grows with every append, with gaps. */
  readonly position: bigint;
  /** Version of the shape it was stored in; 1 when undefined. */
  readonly schemaVersion?: number;
  /** Fingerprint of the payload of the command that led to it. */
  readonly commandDigest?: string;
  /** Type of the command that led to it. */
  readonly command?: string;
}

export interface RecordedEvent<E extends DomainEvent = DomainEvent> {
  readonly event: E;
  readonly at: EventContext;
}

/** Before the first event: as a position "from the beginning", as a revision "no events". */
export const beginning = -1n;
export const noEvents = -1;

/** What Annals keeps in an event's metadata; names with `$` are EventStoreDB's own conventions. */
export interface StoredMetadata {
  readonly $correlationId?: string;
  readonly $causationId?: string;
  readonly actor?: string;
  /** The trace that it belongs to (W3C). */
  readonly traceparent?: string;
  /** Version of the shape of the data; 1 when absent. */
  readonly schemaVersion?: number;
  /** See core's `payloadDigest`. */
  readonly commandDigest?: string;
  /** Type of the command; its id is `$causationId`. */
  readonly command?: string;
}

export const recordedContext = (
  id: string,
  stream: string,
  revision: number,
  position: bigint | undefined,
  created: Date,
  { $correlationId, $causationId, actor, traceparent, schemaVersion, commandDigest, command }: StoredMetadata,
): EventContext => ({
  id,
  stream,
  revision,
  position: position ?? beginning,
  created,
  correlationId: $correlationId ?? id,
  causationId: $causationId ?? id,
  ...(actor !== undefined && { actor }),
  ...(traceparent !== undefined && { traceparent }),
  ...(schemaVersion !== undefined && { schemaVersion }),
  ...(commandDigest !== undefined && { commandDigest }),
  ...(command !== undefined && { command }),
});
