/** Errors as the gateway's own answers: what is behind it is a bad gateway, or one that takes too long. */
import { ProblemDetailsFilter, toProblem, type ProblemDetails } from '@annals/nestjs';
import { DependencyTimeout, DependencyUnreachable } from '@annals/resilience';
import { Catch } from '@nestjs/common';
import { STATUS_CODES } from 'node:http';
import { TooManyRequests } from './gateway.errors.js';

export function gatewayProblem(error: unknown): ProblemDetails {
  const status = statusOf(error);
  const problem = toProblem(error);
  return status === undefined ? problem : { ...problem, status, title: STATUS_CODES[status] ?? 'Error' };
}

function statusOf(error: unknown): number | undefined {
  if (error instanceof TooManyRequests) return 429;
  if (error instanceof DependencyUnreachable) return 502;
  return error instanceof DependencyTimeout ? 504 : undefined;
}

@Catch()
export class GatewayProblems extends ProblemDetailsFilter {
  protected override problemOf(error: unknown): ProblemDetails {
    return gatewayProblem(error);
  }
}
