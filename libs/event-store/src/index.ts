export type { ReadAllOptions } from './all-reading.js';
export { CheckpointKeeper } from './checkpoint-keeper.js';
export type { CheckpointStore } from './checkpoint-store.js';
export { isTransportError, type ConnectionOptions } from './connection.js';
export {
  AppendTooLarge,
  CommandIdReused,
  ConcurrencyConflict,
  EventStoreAccessDenied,
  EventStoreUnavailable,
  EvolveFailed,
  StreamIsDeleted,
  TooManyEvents,
  UnfoldableEvent,
  UnknownEvent,
  UnregisteredEvent,
  WrongExpectedRevision,
} from './errors.js';
export type { CommandResult, ExecuteOptions } from './command-execution.js';
export { EventStore, type EventStoreOptions, type Loaded, type LoadOptions } from './event-store.js';
export { EventFeed, type FeedOptions, type FeedStatus } from './feed.js';
export type { ConsumerStatus, FeedConsumer, RunningConsumer } from './feed-consumer.js';
export type { FeedBatch, FeedReader } from './feed-reader.js';
export { beginning, noEvents, type EventContext, type RecordedEvent, type StoredMetadata } from './recorded-event.js';
export { snapshotStream } from './snapshots.js';
export type { UnknownEventPolicy } from './stored-events.js';
export { Streams, type AppendResult, type EventToAppend, type ReadOptions } from './streams.js';
