export type { RebuildProgress } from './building/progress-meter.js';
export type { Rebuilt, RebuildOptions } from './building/rebuild.js';
export type { Drift, Verification } from './building/verify.js';
export {
  EntityChanged,
  Fenced,
  InvalidReadModel,
  InvalidRow,
  NameTaken,
  NothingToCancel,
  NothingToRollBackTo,
  NotParked,
  ReadDatabaseUnavailable,
  RebuildCancelled,
  RebuildInProgress,
  UnknownReadModel,
  UnnamedLookup,
} from './errors.js';
export { foldInMemory, foldInPostgres } from './fold-events.js';
export type { ParkedKey, RetryOutcome } from './parking/parked.js';
export { PostgresCheckpoints } from './postgres-checkpoints.js';
export { Projections, type ProjectionsOptions } from './projections.js';
export { connectReadDatabase, type ReadDatabase, type ReadDatabaseOptions } from './read-database.js';
export {
  readModel,
  type AnyReadModel,
  type EntityClass,
  type ReadModel,
  type ReadModelDefinition,
  type RowHandler,
  type RowKey,
  type RowsAtHand,
  type SqlHandler,
  type SqlTransaction,
} from './read-model.js';
export type { RetryPolicy } from './rows/row-fold.js';
export type { Lease } from './running/session.js';
export type { WaitOptions } from './running/positions.js';
export type { ProjectionState, ProjectionStatus } from './running/status.js';
