/** What an error says about the dependency: whether it is ill, and whether another try may help. */
import { isCodedError, type ErrorKind } from '@annals/core';
import { BulkheadFull, CircuitOpen, DependencyFailed, DependencyTimeout, DependencyUnreachable } from './errors.js';

/** Errors of connections, as Node and undici name them. */
const connectionCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
  'EAI_AGAIN',
  'ENOTFOUND',
  'UND_ERR_SOCKET',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
]);

/** Statuses that say "not now". */
const transientStatuses = new Set([429, 502, 503, 504]);

/** The dependency answered; what it says is about the request. */
const answers: ReadonlySet<ErrorKind> = new Set([
  'invalid',
  'unauthenticated',
  'forbidden',
  'not-found',
  'conflict',
  'precondition',
  'rejected',
  'unprocessable',
]);

/** The system's code of an error of a connection, wherever in the chain of causes it is. */
export function connectionCode(error: unknown): string | undefined {
  for (let each = error; each instanceof Error; each = each.cause) {
    const { code } = each as { code?: unknown };
    if (typeof code === 'string' && connectionCodes.has(code)) return code;
  }
  return undefined;
}

/** Whether the same call may well succeed a moment later. */
export function isTransient(error: unknown): boolean {
  if (error instanceof DependencyTimeout || error instanceof DependencyUnreachable) return true;
  if (error instanceof DependencyFailed) return transientStatuses.has(error.status);
  return connectionCode(error) !== undefined;
}

/**
 * What a failed call says about the dependency: `ill`, `well` (it answered properly, if not as hoped), or nothing: the
 * refusal was our own, of what stands before it or before one that it needs, or it only asks for fewer calls.
 */
export function verdictOn(error: unknown): 'ill' | 'well' | 'nothing' {
  if (error instanceof BulkheadFull || error instanceof CircuitOpen) return 'nothing';
  if (error instanceof DependencyFailed) return error.status === 429 ? 'nothing' : 'ill';
  return isCodedError(error) && answers.has(error.kind) ? 'well' : 'ill';
}
