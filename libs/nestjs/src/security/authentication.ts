/**
 * Every request is authenticated before its body is read: its bearer token, when it has one, becomes the principal, and
 * the actor of all that follows. Whether a route needs one is decided later (AccessGuard), so that public routes answer
 * whatever token comes with the request. Routes below `/admin` are decided here, also those that Nest knows nothing of.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { currentContext, runInContext } from '@annals/core';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { AccessDenied, InvalidToken, NotAuthenticated } from '../errors.js';
import { hasRole, operatorRole, type Principal } from './principal.js';
import type { TokenVerifier } from './token-verifier.js';

interface Caller {
  readonly principal?: Principal;
  /** Why the token was refused. */
  readonly refusal?: Error;
}

const callers = new AsyncLocalStorage<Caller>();
const anonymous: Caller = {};

export function authenticateRequests(fastify: FastifyInstance, verifier: TokenVerifier): void {
  fastify.decorateRequest('annalsCaller', null);
  fastify.addHook('onRequest', (request, _reply, done) => {
    callerOf(request, verifier).then((caller) => {
      request.annalsCaller = caller;
      const { principal } = caller;
      const go = () => {
        try {
          if (isAdmin(request)) requireRole(requirePrincipal(request), operatorRole);
        } catch (refusal) {
          return done(refusal as Error);
        }
        done();
      };
      const { correlationId, ...conversation } = currentContext() ?? {};
      callers.run(caller, () =>
        principal && correlationId !== undefined
          ? runInContext({ ...conversation, correlationId, actor: principal.subject }, go)
          : go(),
      );
    }, done);
  });
}

/** Who asks. @throws NotAuthenticated, InvalidToken, SigningKeysUnavailable */
export function requirePrincipal({ annalsCaller }: FastifyRequest): Principal {
  const { principal, refusal } = annalsCaller ?? anonymous;
  if (principal) return principal;
  throw refusal ?? new NotAuthenticated();
}

/** @throws AccessDenied unless the principal has one of the roles */
export function requireRole(principal: Principal, ...roles: readonly string[]): void {
  if (!hasRole(principal, ...roles)) throw new AccessDenied(`the role ${roles.join(' or ')}`);
}

/** Who asked for what runs now; undefined outside of requests and on public ones without a token. */
export const currentPrincipal = (): Principal | undefined => callers.getStore()?.principal;

async function callerOf(request: FastifyRequest, verifier: TokenVerifier): Promise<Caller> {
  const { authorization } = request.headers;
  if (authorization === undefined) return anonymous;
  try {
    return { principal: await verifier.verify(bearerToken(authorization)) };
  } catch (refusal) {
    return { refusal: refusal as Error };
  }
}

function bearerToken(authorization: string): string {
  const token = /^Bearer +([\w.~+/-]+=*) *$/i.exec(authorization)?.[1];
  if (token === undefined) throw new InvalidToken('it did not come as a bearer token');
  return token;
}

/** By the route that was found, not by what the URL looks like. */
const isAdmin = ({ routeOptions: { url } }: FastifyRequest): boolean =>
  url !== undefined && /^\/admin(\/|$)/i.test(url);

declare module 'fastify' {
  interface FastifyRequest {
    annalsCaller?: Caller | null;
  }
}
