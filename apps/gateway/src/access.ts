/** Who gets through. The contexts ask again: a gateway that is gone round protects nothing. */
import { requirePrincipal, requireRole } from '@annals/nestjs';
import type { FastifyRequest } from 'fastify';

/** Everybody, everybody with a valid token, or those with one of the roles. */
export type RouteAccess = 'everybody' | 'signed-in' | readonly string[];

/** @throws NotAuthenticated, InvalidToken, AccessDenied */
export function admit(request: FastifyRequest, access: RouteAccess): void {
  if (access === 'everybody') return;
  const principal = requirePrincipal(request);
  if (access !== 'signed-in') requireRole(principal, ...access);
}

/** Whom the request's token names; undefined without a valid one. */
export const subjectOf = ({ annalsCaller }: FastifyRequest): string | undefined => annalsCaller?.principal?.subject;
