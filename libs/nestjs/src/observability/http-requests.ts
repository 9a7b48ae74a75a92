/** What is told of each HTTP request: a span, and how long it took. Names of OpenTelemetry's conventions for HTTP. */
import { durationHistogram, endSpan, isMeasuring, isTracing, startSpan, withSpan } from '@annals/core';
import type { FastifyInstance, FastifyRequest } from 'fastify';

const durations = durationHistogram(
  'http.server.request.duration',
  'How long HTTP requests took, by route and status.',
);

/** Asked again and again by machines, and of no interest to people. */
const unwatched = /^\/(health|metrics)\b/;

/** To be called after the hooks that open the conversation, so that a span belongs to the trace that the request came in. */
export function observeRequests(fastify: FastifyInstance): void {
  if (!isTracing() && !isMeasuring()) return;
  fastify.addHook('onRequest', (request, reply, done) => {
    const route = request.routeOptions.url;
    if (unwatched.test(route ?? request.url)) return done();
    const began = performance.now();
    const span = startSpan(route === undefined ? request.method : `${request.method} ${route}`, {
      kind: 'server',
      attributes: () => ({ ...described(request, route), 'url.path': request.url.split('?')[0] }),
    });
    reply.raw.once('close', () => {
      const { statusCode } = reply.raw;
      const status = { 'http.response.status_code': statusCode };
      durations().record((performance.now() - began) / 1_000, { ...described(request, route), ...status });
      span.setAttributes(status);
      endSpan(span, statusCode >= 500 ? { error: new HttpFailure(statusCode) } : undefined);
    });
    withSpan(span, done);
  });
}

class HttpFailure extends Error {
  constructor(status: number) {
    super();
    this.name = String(status);
  }
}

const described = ({ method }: FastifyRequest, route: string | undefined) => ({
  'http.request.method': method,
  ...(route !== undefined && { 'http.route': route }),
});
