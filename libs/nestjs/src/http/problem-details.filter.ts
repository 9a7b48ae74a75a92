/** Every error that leaves over HTTP is problem+json (RFC 9457) with the stable code; internals stay inside. */
import { currentContext, isCodedError, type ErrorKind } from '@annals/core';
import { Catch, HttpException, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { STATUS_CODES } from 'node:http';
import { challengeOf } from '../security/challenge.js';

/** The HTTP status of each kind of coded error. */
export const statusOf: Readonly<Record<ErrorKind, number>> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  rejected: 409,
  precondition: 412,
  unprocessable: 422,
  unavailable: 503,
  internal: 500,
};

/** The body of an error's answer; `code` is what programs should look at. */
export interface ProblemDetails {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly correlationId?: string;
  /** What is wrong with the input, field by field. */
  readonly errors?: readonly string[];
  /** The fields of a coded error that a client may use. */
  readonly [extension: string]: unknown;
}

@Catch()
export class ProblemDetailsFilter implements ExceptionFilter {
  private readonly logger = new Logger('Http');

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const problem = this.problemOf(error);
    // Without the query: what stands there is not ours to write down.
    const path = request.url.replace(/\?.*$/s, '');
    if (problem.status >= 500) this.logger.error(`${request.method} ${path}: ${problem.code}`, stackOf(error));
    sendProblem(reply, error, problem);
  }

  protected problemOf(error: unknown): ProblemDetails {
    return toProblem(error);
  }
}

/** Answers with a problem and the headers that belong to it; also for routes that Nest knows nothing of. */
export function sendProblem(reply: FastifyReply, error: unknown, problem: ProblemDetails): void {
  const challenge = challengeOf(error, problem.status);
  if (challenge !== undefined) void reply.header('www-authenticate', challenge);
  const { retryAfterMs } = problem;
  if (typeof retryAfterMs === 'number') void reply.header('retry-after', Math.max(1, Math.ceil(retryAfterMs / 1_000)));
  void reply.status(problem.status).type('application/problem+json').send(problem);
}

export function toProblem(error: unknown): ProblemDetails {
  if (isCodedError(error)) {
    const status = statusOf[error.kind];
    const { code, kind: _, name: __, message, cause: ___, stack: ____, ...fields } = error;
    return status >= 500 && error.kind === 'internal'
      ? problem(status, code, 'Something went wrong inside. The correlation id finds it in the logs.')
      : problem(status, code, error.message || message, plainFields(fields));
  }
  if (error instanceof HttpException) return fromHttpException(error);
  // Fastify's own errors (malformed JSON, body too large, unsupported media type) carry a status.
  const status = (error as { statusCode?: unknown } | undefined)?.statusCode;
  if (error instanceof Error && typeof status === 'number' && status >= 400 && status < 500)
    return problem(status, httpCode(status), error.message);
  return problem(500, 'INTERNAL_ERROR', 'Something went wrong inside. The correlation id finds it in the logs.');
}

function fromHttpException(error: HttpException): ProblemDetails {
  const status = error.getStatus();
  const response = error.getResponse();
  const messages = typeof response === 'object' ? (response as { message?: unknown }).message : undefined;
  if (!Array.isArray(messages)) return problem(status, httpCode(status), error.message);
  return problem(status, 'INVALID_REQUEST', `The request is not valid: ${messages.join('; ')}.`, { errors: messages });
}

function problem(
  status: number,
  code: string,
  detail: string,
  extensions: Record<string, unknown> = {},
): ProblemDetails {
  const correlationId = currentContext()?.correlationId;
  return {
    ...extensions,
    type: `urn:annals:error:${code}`,
    title: STATUS_CODES[status] ?? 'Error',
    status,
    code,
    detail,
    ...(correlationId !== undefined && { correlationId }),
  };
}

const httpCode = (status: number): string =>
  (STATUS_CODES[status] ?? 'error').toUpperCase().replaceAll(/[^A-Z]+/g, '_');

const plainFields = (fields: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => typeof value !== 'object' || Array.isArray(value)));

const stackOf = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));
