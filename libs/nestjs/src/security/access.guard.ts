/**
 * Nobody gets in where they don't belong: every HTTP route needs a token unless it is `@Public()`, and a role where
 * `@Roles(...)` says so. Messages are not asked for one: who may publish is the broker's business.
 */
import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { accessKey, type Access } from './access.decorators.js';
import { requirePrincipal, requireRole } from './authentication.js';

@Injectable()
export class AccessGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  /** @throws NotAuthenticated, InvalidToken, AccessDenied, SigningKeysUnavailable */
  canActivate(context: ExecutionContext): boolean {
    if (context.getType() !== 'http') return true;
    const access = this.reflector.getAllAndOverride<Access | undefined>(accessKey, [
      context.getHandler(),
      context.getClass(),
    ]);
    if (access === 'everybody') return true;
    const principal = requirePrincipal(context.switchToHttp().getRequest<FastifyRequest>());
    if (access) requireRole(principal, ...access);
    return true;
  }
}
