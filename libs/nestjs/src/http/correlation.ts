/**
 * Opens the conversation of a request: `X-Correlation-Id` is kept when it is sane, else made, and always answered. A
 * `traceparent` is carried on, also where nobody traces.
 */
import { isTraceparent, runInContext } from '@annals/core';
import type { FastifyInstance } from 'fastify';
import { randomUUID } from 'node:crypto';

export const correlationHeader = 'x-correlation-id';
const sane = /^[\w.:-]{1,128}$/;

export function openConversations(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    const given = request.headers[correlationHeader];
    const correlationId = typeof given === 'string' && sane.test(given) ? given : randomUUID();
    void reply.header(correlationHeader, correlationId);
    const { traceparent } = request.headers;
    runInContext({ correlationId, ...(isTraceparent(traceparent) && { traceparent }) }, done);
  });
}
