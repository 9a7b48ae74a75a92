/**
 * The routes of the table, as a Fastify plugin of its own: no parser reads a body, no pipe or interceptor of Nest runs. What
 * does run, for each request: the conversation and who asks (hooks of the app), rate limit, access, the choice of side, and then
 * bytes go through as they come.
 */
import type { IncomingMessage } from 'node:http';
import { currentContext, currentTraceparent } from '@annals/core';
import { sendProblem } from '@annals/nestjs';
import type { Dependency } from '@annals/resilience';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { admit } from '../access.js';
import { TooManyRequests, UnsafePath } from '../gateway.errors.js';
import { gatewayProblem } from '../problem.js';
import { clientOf } from '../rate-limit/client.js';
import type { RateLimit, RateLimiter } from '../rate-limit/rate-limiter.js';
import type { GatewayRoute } from '../routes.js';
import { sideOf, type Side } from '../strangler/rules.js';
import type { RuleBook } from '../strangler/rule-book.js';
import type { Shadow } from '../strangler/shadow.js';
import { limitedBody } from './body-limit.js';
import { compressionFor } from './compression.js';
import { ClientGone } from './errors.js';
import { carryOut } from './exchange.js';
import { ownHeaders, securityHeaders } from './own-headers.js';
import { forwardedHeaders } from './request-headers.js';
import type { Upstream } from './upstream.js';

export interface PassThroughParts {
  readonly routes: readonly GatewayRoute[];
  readonly upstreamOf: (dependency: Dependency) => Upstream;
  readonly limiter: RateLimiter;
  /** For all routes together; undefined: none. */
  readonly rateLimit: RateLimit | undefined;
  readonly rules: RuleBook;
  /** Who compares the answers of a route's two sides; undefined where it has but one. */
  readonly shadowOf: (route: GatewayRoute) => Shadow | undefined;
}

const defaultMaxBodyBytes = 1024 * 1024;

/** To be registered after helmet, CORS and compression, and after the hooks that open conversations. */
export const passThrough =
  (parts: PassThroughParts) =>
  (fastify: FastifyInstance, _options: object, done: () => void): void => {
    fastify.removeAllContentTypeParsers();
    fastify.addContentTypeParser('*', (_request, _payload, parsed) => parsed(null));
    fastify.setErrorHandler((error, request, reply) => refuse(error, request, reply));
    for (const route of parts.routes) {
      const serve = routeHandler(route, parts);
      for (const url of [route.path, `${route.path}/*`])
        fastify.route({ method: [...fastify.supportedMethods].filter(isProxied), url, helmet: false, handler: serve });
    }
    done();
  };

/** CORS answers OPTIONS; TRACE would show clients what is added on the way. */
const isProxied = (method: string): boolean => !['OPTIONS', 'TRACE'].includes(method);

function routeHandler(route: GatewayRoute, parts: PassThroughParts) {
  const { limiter, rateLimit, rules, upstreamOf, shadowOf } = parts;
  const target = upstreamOf(route.context);
  const legacy = route.legacy?.settings.url === undefined ? undefined : upstreamOf(route.legacy);
  const shadow = legacy && shadowOf(route);
  const { maxBodyBytes = defaultMaxBodyBytes } = route;

  return (request: FastifyRequest, reply: FastifyReply): void => {
    const { raw } = request;
    const client = clientOf(request);
    const limits = rateLimit ? limited(limiter, client, rateLimit) : [];
    if (route.rateLimit) limited(limiter, `${route.path} ${client}`, route.rateLimit);
    admit(request, route.auth);

    const url = raw.url ?? '/';
    const [path = url] = url.split('?', 1);
    if (isUnsafe(path)) throw new UnsafePath();
    const asked = { method: raw.method ?? 'GET', path, headers: raw.headers, customer: client };
    const routeRules = rules.rules[route.path];
    const side: Side = legacy ? sideOf(routeRules, asked) : 'target';
    const upstream = side === 'legacy' && legacy ? legacy : target;
    const body = limitedBody(raw, maxBodyBytes);
    const conversation = { correlationId: currentContext()?.correlationId ?? '', traceparent: currentTraceparent() };
    const headers = forwardedHeaders(raw, request.ip, conversation);
    const below = url.slice(route.path.length);
    const compared = side === 'legacy' && raw.method === 'GET' && routeRules?.shadow ? routeRules : undefined;
    carryOut({
      upstream,
      method: asked.method,
      path: upstream.basePath + route.at + below,
      headers,
      body,
      timeoutMs: route.timeoutMs ?? upstream.dependency.settings.timeout,
      reply,
      own: ownHeaders(reply, ['x-served-by', upstream.name, ...limits]),
      compresses: compressionFor(raw),
      witness: compared && shadow?.watch(route.at + below, shadowHeaders(raw), compared.ignore),
    }).catch((error: unknown) => {
      if (!(error instanceof ClientGone)) void reply.send(error);
    });
  };
}

/** @throws TooManyRequests @returns what may still be asked, as headers: names and values in turn */
function limited(limiter: RateLimiter, client: string, limit: RateLimit): readonly string[] {
  const { allowed, remaining, retryAfterSeconds } = limiter.hit(client, limit);
  if (!allowed) throw new TooManyRequests(limit.limit, retryAfterSeconds * 1_000);
  return ['x-ratelimit-limit', String(limit.limit), 'x-ratelimit-remaining', String(remaining)];
}

/** A segment of dots, however it is written: what is behind may resolve it to another path than the one that was judged. */
const isUnsafe = (path: string): boolean => (path.includes('.') || path.includes('%') ? dots.test(path) : false);
const dots = /(?:^|[/\\]|%2f|%5c)(?:\.|%2e){1,2}(?:[/\\]|%2f|%5c|$)/i;

const shadowHeaders = ({ headers: { authorization, accept } }: IncomingMessage): Record<string, string> => ({
  ...(authorization !== undefined && { authorization }),
  ...(accept !== undefined && { accept }),
});

function refuse(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const headers = securityHeaders(reply);
  for (let i = 0; i < headers.length; i += 2) void reply.header(headers[i] ?? '', headers[i + 1]);
  // What is left of a body would be taken for the next request.
  if (!request.raw.complete) void reply.header('connection', 'close');
  sendProblem(reply, error, gatewayProblem(error));
}
