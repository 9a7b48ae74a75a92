/** What every request takes along of the conversation that it belongs to. */
import { currentContext } from '@annals/core';
import { context, propagation } from '@opentelemetry/api';
import { callerAuthorization } from './caller.js';

export type OutgoingHeaders = Record<string, string>;

/** Adds headers to a request that is about to go out. */
export type HeaderSource = (headers: OutgoingHeaders) => void;

/** `X-Correlation-Id`: one id from the first request to the last mail. */
export const correlation: HeaderSource = (headers) => {
  const { correlationId } = currentContext() ?? {};
  if (correlationId !== undefined) headers['x-correlation-id'] = correlationId;
};

/** `traceparent` (W3C Trace Context) and what else the process' propagator carries; nothing where none is set up. */
export const trace: HeaderSource = (headers) => propagation.inject(context.active(), headers);

/** `Authorization` of whoever asked this process. */
export const caller: HeaderSource = (headers) => {
  const authorization = callerAuthorization();
  if (authorization !== undefined) headers['authorization'] = authorization;
};

export const defaultSources: readonly HeaderSource[] = [correlation, trace, caller];

export function outgoingHeaders(sources: readonly HeaderSource[]): OutgoingHeaders {
  const headers: OutgoingHeaders = {};
  for (const source of sources) source(headers);
  return headers;
}
