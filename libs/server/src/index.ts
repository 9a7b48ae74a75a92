export { checkStore, type StoreReport } from './operations/check-store.js';
export {
  exportStreams,
  importStreams,
  type ExportOptions,
  type ImportOptions,
  type MoveProgress,
} from './operations/move-streams.js';
export type { ScavengeReport } from './operations/scavenge.js';
export { startEventStore, type EventStoreOptions, type RunningEventStore } from './start-event-store.js';
export {
  AccessDenied,
  AddressRefused,
  AppendTimedOut,
  DataFolderRefused,
  InvalidArgument,
  InvalidGroupSettings,
  MalformedRequest,
  MaximumAppendSizeExceeded,
  MaximumSubscribersReached,
  NotAuthenticated,
  NotSupported,
  PersistentSubscriptionDoesNotExist,
  PersistentSubscriptionDropped,
  PersistentSubscriptionExists,
  ScavengeNotFound,
  ServerStopping,
  StorageWriteFailed,
  StreamDeleted,
  WrongExpectedRevision,
  type ExpectedRevision,
} from './errors.js';
