// The orders app's check of tokens, which remembers those that it verified: what is compared is what comes after it.
import { hasRole, operatorRole, TokenVerifier } from '@annals/nestjs';
import { Injectable, UnauthorizedException, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { customerRole } from '../../../apps/orders/src/http/order-access.js';

@Injectable()
export class TokenGuard implements CanActivate {
  constructor(private readonly tokens: TokenVerifier) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const { authorization = '' } = context.switchToHttp().getRequest<FastifyRequest>().headers;
    const token = /^Bearer (\S+)$/.exec(authorization)?.[1];
    if (token === undefined) throw new UnauthorizedException();
    try {
      return hasRole(await this.tokens.verify(token), customerRole, operatorRole);
    } catch (cause) {
      throw new UnauthorizedException(undefined, { cause });
    }
  }
}
