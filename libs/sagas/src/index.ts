export { systemClock, type Clock } from './clock.js';
export {
  CancelRequested,
  CommandAccepted,
  CommandRejected,
  withOutcome,
  type OutcomeOfCommand,
} from './command-outcome.js';
export type { DispatchRetry } from './command-outbox.js';
export { deadline } from './deadline.js';
export { MemoryDeadlineStore, type DeadlineStore, type StoredDeadline } from './deadline-store.js';
export { declaredEventsOf, declaredSagasOf, DurableSaga, durableSagasOf } from './durable-saga.decorator.js';
export { durationMs, type Duration } from './duration.js';
export {
  InvalidDuration,
  InvalidSaga,
  NotACommand,
  NotDeterministic,
  OutsideOfDelivery,
  SagaContended,
  SagaInstanceInWrongState,
  SagaInstanceNotFound,
  SagaVersionMissing,
  Uncorrelated,
} from './errors.js';
export { showInstance, type InstanceDesk, type InstanceDetails } from './instance-desk.js';
export { MemoryInstanceIndex, type InstanceFilter, type InstanceIndex } from './instance-index.js';
export {
  foldInstance,
  timelineEntry,
  type InstanceRow,
  type InstanceState,
  type InstanceSummary,
  type TimelineEntry,
} from './instance-view.js';
export type { MessageClass } from './message-class.js';
export { PostgresDeadlineStore } from './postgres-deadline-store.js';
export { PostgresInstanceIndex } from './postgres-instance-index.js';
export {
  sagaDefinition,
  type CorrelatedEvent,
  type DurableSagaOptions,
  type SagaDefinition,
  type SagaPipeline,
} from './saga-definition.js';
export { SagaEngine, sagaFeedPrefixes } from './saga-engine.js';
export type { IntegrationMessage, SagaEnginePorts, SagaEngineStatus, SagaSettings } from './saga-engine-ports.js';
export {
  isSagaFact,
  SagaCommandIssued,
  SagaDeadlineCancelled,
  SagaDeadlineSet,
  SagaEnded,
  SagaFailed,
  SagaInputReceived,
  SagaResumed,
  SagaStarted,
  SagaStepReported,
  sagaStream,
  type SagaFact,
  type SagaOutcome,
} from './saga-events.js';
export { givenSaga, type SagaSpecification } from './saga-specification.js';
export { steps, Steps, type OrchestratedSaga, type Step, type StepRetry } from './steps.js';
export type { StepFailure } from './steps-plan.js';
export { supervisedSaga, superviseSagasOf } from './supervised-saga.js';
