export { Bulkhead, type BulkheadSettings } from './bulkhead.js';
export {
  Circuit,
  type CircuitOptions,
  type CircuitSettings,
  type CircuitState,
  type CircuitTransition,
  type Permit,
} from './circuit.js';
export {
  dependencies,
  Dependencies,
  dependency,
  type DependenciesOptions,
  type TransitionListener,
} from './dependencies.js';
export {
  Dependency,
  type CallOptions,
  type DependencyCounters,
  type DependencyState,
  type Passage,
} from './dependency.js';
export {
  AnswerTooLarge,
  BulkheadFull,
  CircuitOpen,
  DependencyFailed,
  DependencyTimeout,
  DependencyUnreachable,
  DuplicateDependency,
  InvalidPolicy,
  NoUrl,
  UnexpectedAnswer,
  UnknownDependency,
} from './errors.js';
export { callerAuthorization, onBehalfOf } from './http/caller.js';
export {
  caller,
  correlation,
  outgoingHeaders,
  trace,
  type HeaderSource,
  type OutgoingHeaders,
} from './http/outgoing-headers.js';
export {
  ResilientHttp,
  resilientHttp,
  type HttpAnswer,
  type HttpRequest,
  type ResilientHttpOptions,
} from './http/resilient-http.js';
export { retryAfterMs } from './http/retry-after.js';
export type { Environment, Policy, PolicySettings } from './policy.js';
export { retrying, type RetryOptions, type RetrySettings } from './retry.js';
export { withinTime } from './timeout.js';
export { connectionCode, isTransient } from './transient.js';
