import { createParamDecorator, SetMetadata, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { requirePrincipal } from './authentication.js';
import type { Principal } from './principal.js';

/** Who may use a route: everybody, or whoever has one of the roles. What stands at the method counts more than at the class. */
export type Access = 'everybody' | readonly string[];

export const accessKey = 'annals:access';

/** Without a token. Everything else needs one. */
export const Public = (): MethodDecorator & ClassDecorator => SetMetadata<string, Access>(accessKey, 'everybody');

/** For those who have one of these roles. */
export const Roles = (...roles: readonly [string, ...string[]]): MethodDecorator & ClassDecorator =>
  SetMetadata<string, Access>(accessKey, roles);

/** Who asks. @throws NotAuthenticated on a public route that nobody sent a token to */
export const Caller = createParamDecorator((_: unknown, context: ExecutionContext): Principal =>
  requirePrincipal(context.switchToHttp().getRequest<FastifyRequest>()),
);
