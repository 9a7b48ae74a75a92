export { EventShapesChanged, NotWithin, TestPartUnavailable } from './errors.js';
export { checkEventShapes, type EventShapesOptions } from './event-shapes.js';
export { eventually, type EventuallyOptions } from './eventually.js';
export { testEventStore, type TestEventStore } from './parts/test-event-store.js';
export { testNats, type TestNats } from './parts/test-nats.js';
export { testPostgres, type TestPostgres } from './parts/test-postgres.js';
export {
  readModelSpecification,
  type GivenEvent,
  type ReadModelSpecOptions,
  type RowsThen,
} from './read-model-spec.js';
export { specification, type Then, type When } from './specification.js';
