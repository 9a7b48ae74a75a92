import { BadRequestException, createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';

/**
 * The request's `Idempotency-Key` (IETF draft-ietf-httpapi-idempotency-key-header), undefined without one. Give it to
 * the command as its id: then the same request twice has one effect.
 */
export const IdempotencyKey = createParamDecorator((_: unknown, context: ExecutionContext): string | undefined => {
  const key = context.switchToHttp().getRequest<FastifyRequest>().headers['idempotency-key'];
  if (key === undefined) return undefined;
  if (typeof key !== 'string' || key.length === 0 || key.length > 255)
    throw new BadRequestException(['Idempotency-Key must be 1 to 255 characters']);
  return key;
});
