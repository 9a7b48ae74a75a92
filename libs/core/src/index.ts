export { fullJitterMs, pause, type Backoff } from './backoff.js';
export { CodedError, DomainError, isCodedError, type ErrorKind } from './coded-error.js';
export {
  Command,
  withMetadata,
  type AnyCommandClass,
  type CommandClass,
  type CommandMetadata,
  type DomainCommand,
} from './command.js';
export {
  assertCategory,
  decider,
  fold,
  streamOf,
  type AnyDecider,
  type Decider,
  type DeciderDefinition,
  type Folding,
  type OfType,
  type SnapshotPolicy,
} from './decider.js';
export {
  CommandWithoutAggregateId,
  DuplicateEventType,
  InvalidAggregateId,
  InvalidCategory,
  InvalidEventSchemas,
  NotJson,
  UnhandledCommand,
  UnhandledEvent,
  UpcastFailed,
} from './errors.js';
export { Event, type AnyEventClass, type DomainEvent, type EventClass } from './event.js';
export {
  EventSchemas,
  storedAs,
  Upcasting,
  type NextVersion,
  type SchemaDefinition,
  type StoredEvent,
} from './event-schemas.js';
export { assertJson } from './json.js';
export { silent, type Log } from './log.js';
export { currentContext, runInContext, type MessageContext } from './message-context.js';
export { deterministicId, eventId } from './message-ids.js';
export type { MessageMetadata } from './message-metadata.js';
export { durationHistogram, instrument, isMeasuring, timed } from './metrics.js';
export { payloadDigest } from './payload-digest.js';
export { EventRegistry, type EventOwner } from './registry.js';
export {
  currentTraceparent,
  endSpan,
  inSpan,
  isSampled,
  isTraceparent,
  isTracing,
  startSpan,
  traceIdOf,
  traceparentOf,
  withSpan,
  type SpanOptions,
} from './tracing.js';
