/** What every request takes along of the conversation that it belongs to. */
import { currentContext, currentTraceparent } from '@annals/core';
import { callerAuthorization } from './caller.js';

export type OutgoingHeaders = Record<string, string>;

/** Adds headers to a request that is about to go out. */
export type HeaderSource = (headers: OutgoingHeaders) => void;

/** `X-Correlation-Id`: one id from the first request to the last mail. */
export const correlation: HeaderSource = (headers) => {
  const { correlationId } = currentContext() ?? {};
  if (correlationId !== undefined) headers['x-correlation-id'] = correlationId;
};

/** `traceparent` (W3C Trace Context): of the running span, or what the conversation came with. */
export const trace: HeaderSource = (headers) => {
  const traceparent = currentTraceparent();
  if (traceparent !== undefined) headers['traceparent'] = traceparent;
};

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
