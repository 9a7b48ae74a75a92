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
export type { ParkedReaction } from './commands/reactor-parking.js';
export { Reactors } from './commands/reactors.js';
export { rule, validate, type CommandRule } from './commands/validate.js';
export type { ContextMap } from './context-map.js';
export { ContextRuntime } from './context-runtime.js';
export { DomainCommandBus } from './domain-command-bus.js';
export {
  AutoCommitNotSupported,
  CommandForbidden,
  InvalidCommand,
  InvalidContextMap,
  InvalidCursor,
  InvalidReactor,
  InvalidSettings,
  NoCommandHandler,
  NotABoundedContext,
  NotFound,
  NotParkedReaction,
  PortTaken,
} from './errors.js';
export { rememberCallers } from './http/caller.js';
export { openConversations } from './http/correlation.js';
export { IdempotencyKey } from './http/idempotency-key.decorator.js';
export { PagingQuery } from './http/paging.js';
export { ProblemDetailsFilter, statusOf, toProblem, type ProblemDetails } from './http/problem-details.filter.js';
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
export { portVariable, readSettings, Settings } from './settings.js';
