export type { CheckpointStore } from './checkpoint-store.js';
export { isTransportError, type ConnectionOptions } from './connection.js';
export {
  AppendTooLarge,
  ConcurrencyConflict,
  EventStoreUnavailable,
  EvolveFailed,
  StreamIsDeleted,
  UnregisteredEvent,
  WrongExpectedRevision,
} from './errors.js';
export { EventStore, type CommandResult, type ExecuteOptions, type Loaded } from './event-store.js';
export { EventFeed, type FeedStatus } from './feed.js';
export type { ConsumerStatus, FeedConsumer, RunningConsumer } from './feed-consumer.js';
export type { FeedBatch, FeedReader } from './feed-reader.js';
export { beginning, noEvents, type EventContext, type RecordedEvent, type StoredMetadata } from './recorded-event.js';
export { Streams, type AppendResult, type EventToAppend, type ReadOptions } from './streams.js';
