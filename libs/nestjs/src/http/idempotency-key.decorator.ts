import { deterministicId } from '@annals/core';
import { BadRequestException, createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';

/**
 * The request's `Idempotency-Key` (IETF draft-ietf-httpapi-idempotency-key-header), undefined without one. Give it to
 * the command as its id: then the same request twice has one effect. A key is its sender's: who sends another's key gets
 * none of their results.
 */
export const IdempotencyKey = createParamDecorator((_: unknown, context: ExecutionContext): string | undefined => {
  const { headers, annalsCaller } = context.switchToHttp().getRequest<FastifyRequest>();
  const key = headers['idempotency-key'];
  if (key === undefined) return undefined;
  if (typeof key !== 'string' || key.length === 0 || key.length > 255)
    throw new BadRequestException(['Idempotency-Key must be 1 to 255 characters']);
  const sender = annalsCaller?.principal?.subject;
  return sender === undefined ? key : deterministicId('idempotency-key', sender, key);
});
