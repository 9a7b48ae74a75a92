export {
  DataInUse,
  NatsServerMissing,
  NotBuilt,
  PartNotStarted,
  PortTaken,
  PostgresAccountMissing,
  PostgresBinariesMissing,
  PostgresDataUnusable,
  type PortVariable,
} from './errors.js';
export { startEventStoreProcess, type EventStoreProcessOptions } from './event-store/start-event-store-process.js';
export { provideNatsServer, type NatsServerSource } from './nats/provide-nats-server.js';
export { startNats, type NatsOptions } from './nats/start-nats.js';
export { freePort } from './ports.js';
export { createDatabaseIfMissing, databaseUrl, dropDatabase } from './postgres/databases.js';
export { startPostgres, type PostgresOptions } from './postgres/start-postgres.js';
export type { PartExit, Progress, RunningPart } from './running-part.js';
