export { BoundedContextModule, contextMapOf } from './bounded-context.module.js';
export type { ContextMap } from './context-map.js';
export { ContextRuntime } from './context-runtime.js';
export { DomainCommandBus } from './domain-command-bus.js';
export {
  InvalidContextMap,
  InvalidCursor,
  InvalidSettings,
  NoCommandHandler,
  NotABoundedContext,
  NotFound,
  PortTaken,
} from './errors.js';
export { IdempotencyKey } from './http/idempotency-key.decorator.js';
export { PagingQuery } from './http/paging.js';
export { ProblemDetailsFilter, type ProblemDetails } from './http/problem-details.filter.js';
export { ReadModelQuery, type Page, type PageRequest, type ReadModelQueryOptions } from './http/read-model-query.js';
export { createContext, runContext, type RunContextOptions } from './run-context.js';
export { readSettings, Settings } from './settings.js';
