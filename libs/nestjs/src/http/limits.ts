/** How much one request may cost before anybody looks at it. Lists have limits of their own (PagingQuery). */
import { maxHeaderSize } from 'node:http';
import { BadRequestException } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';

/** For `new FastifyAdapter(...)`: sizes in bytes, times in ms. What is larger is 413 or 431, what takes longer 408. */
export const requestLimits = {
  bodyLimit: 1024 * 1024,
  /** A request must have come within that, head and body: nobody keeps a place by being slow. */
  requestTimeout: 30_000,
  http: { maxHeaderSize, headersTimeout: 10_000 },
  /** Longer ids are none of ours. */
  routerOptions: { maxParamLength: 200 },
} as const;

/** Deeper than this no request of ours is; what works on bodies is recursive, and would run out of stack. */
const deepestBody = 32;

/** Answers a body of more nesting with 400. */
export const refuseDeepBodies = (fastify: FastifyInstance): void =>
  void fastify.addHook('preValidation', (request, _reply, done) => {
    const refusal = isDeeper(request.body, deepestBody)
      ? new BadRequestException([`the body must not be nested more than ${deepestBody} deep`])
      : undefined;
    done(refusal);
  });

const isDeeper = (value: unknown, levels: number): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1)));
