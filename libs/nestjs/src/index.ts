export type { AsJson } from './admin/as-json.js';
export { BoundedContextModule, contextMapOf } from './bounded-context.module.js';
export {
  aggregate,
  InjectAggregate,
  repositoryToken,
  type AggregateDefinition,
  type AggregateOptions,
} from './commands/aggregate.js';
export { authorise, type MayIssue } from './commands/authorise.js';
export { EventSourcedRepository, type Committed, type Sourced } from './commands/event-sourced-repository.js';
export { IfMatch, RevisionTag, RevisionTagInterceptor } from './commands/if-match.decorator.js';
export type { CommandMiddleware, CommandMiddlewareProvider, MiddlewareEntry } from './commands/middleware.js';
export { logCommands, traceCommands } from './commands/observe.js';
export {
  reactor,
  type DurableEventHandler,
  type Reactor,
  type ReactorDefinition,
  type ReactorRetry,
} from './commands/reactor.js';
export {
  parkedReactions,
  publisherParkingName,
  type ParkedReaction,
  type ParkedReactionOf,
  type ParkedStream,
} from './commands/reactor-parking.js';
export { Reactors, type ReactionRetry, type ReactorStatus } from './commands/reactors.js';
export { rule, validate, type CommandRule } from './commands/validate.js';
export type { ContextMap } from './context-map.js';
export { ContextRuntime } from './context-runtime.js';
export { DomainCommandBus } from './domain-command-bus.js';
export {
  AccessDenied,
  AutoCommitNotSupported,
  CommandForbidden,
  ForeignTokens,
  InvalidCommand,
  InvalidContextMap,
  InvalidCursor,
  InvalidQuery,
  InvalidReactor,
  InvalidSettings,
  InvalidToken,
  NoCommandHandler,
  NotABoundedContext,
  NotAuthenticated,
  NotFound,
  NotParkedPublication,
  NotParkedReaction,
  NotReady,
  PortTaken,
  SigningKeysUnavailable,
  UnknownReactor,
  UnusableKeyFile,
  UnsortableColumn,
} from './errors.js';
export { FromEnvironment, readEnvironment, variablesOf, type VariableDefinition } from './environment.js';
export { circuits } from './health/context-health.js';
export { HealthSettings } from './health/health-settings.js';
export { degraded, down, up, type Condition, type HealthPart, type PartHealth } from './health/health-part.js';
export { announceDraining, HealthModule, type PartsOf } from './health/health.module.js';
export { Readiness, type Health } from './health/readiness.js';
export { rememberCallers } from './http/caller.js';
export { openConversations } from './http/correlation.js';
export { parkedPublications } from './exchange/leased-publisher.js';
export type { ParkedPublication, ParkedPublications, PublicationRetry } from './exchange/parked-publications.js';
export { messagingOf } from './exchange/published-language.js';
export { IdempotencyKey } from './http/idempotency-key.decorator.js';
export { PagingQuery, sortedBy } from './http/paging.js';
export {
  ProblemDetailsFilter,
  sendProblem,
  statusOf,
  toProblem,
  type ProblemDetails,
} from './http/problem-details.filter.js';
export { ReadModelQuery, type Page, type PageRequest, type ReadModelQueryOptions } from './http/read-model-query.js';
export { Guarded, guardedSignal } from './resilience/guarded.decorator.js';
export { nestLog } from './nest-log.js';
export { HttpClients, InjectHttp, ResilienceModule } from './resilience/resilience.module.js';
export { observeRequests } from './observability/http-requests.js';
export { serveMetrics } from './observability/metrics-endpoint.js';
export { redacted, redactedText } from './observability/redaction.js';
export { structuredLogger, type StructuredLogger } from './observability/structured-logger.js';
export { startTelemetry, type Telemetry } from './observability/telemetry.js';
export { createContext, runContext, type RunContextOptions } from './run-context.js';
export { listen, runProcess } from './run-process.js';
export { Caller, Public, Roles } from './security/access.decorators.js';
export { currentPrincipal, requirePrincipal, requireRole } from './security/authentication.js';
export { challengeOf } from './security/challenge.js';
export { makeKeyFile } from './security/key-file.js';
export { localToken } from './security/local-token.js';
export { hasRole, operatorRole, serviceRole, type Principal } from './security/principal.js';
export { secureHttp, SecurityModule } from './security/security.module.js';
export {
  isForDevelopment,
  localKeyFile,
  readTrust,
  SecuritySettings,
  type Trust,
} from './security/security-settings.js';
export { ServiceTokens } from './security/service-tokens.js';
export { TokenVerifier } from './security/token-verifier.js';
export { portVariable, readSettings, Settings } from './settings.js';
