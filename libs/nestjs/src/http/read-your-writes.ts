/**
 * Read your writes over an eventually consistent read model. The answer to a command carries `Annals-Position`, the place
 * of its last event; a query with `Annals-Wait-For: <position>` is answered as soon as every read model of the context
 * has come that far (signalled, not polled), or after a while with what there is and `Annals-Lag`: how many milliseconds
 * the slowest one is behind.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { ProjectionStatus } from '@annals/projections';
import { BadRequestException } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

export const positionHeader = 'annals-position';
export const waitForHeader = 'annals-wait-for';
export const lagHeader = 'annals-lag';

/** How long a query waits for its read models, in ms. */
const defaultWaitMs = 5_000;
const positionPattern = /^\d{1,19}$/;

interface ReadModels {
  waitForAll(position: bigint, options: { readonly timeoutMs: number; readonly signal: AbortSignal }): Promise<boolean>;
  status(): Promise<Pick<ProjectionStatus, 'lagMs'>[]>;
}

const writes = new AsyncLocalStorage<{ position?: bigint }>();

/** Says that the running request appended up to `position`. */
export function noteWrite(position: bigint | undefined): void {
  const written = writes.getStore();
  if (!written || position === undefined) return;
  if (written.position === undefined || position > written.position) written.position = position;
}

export function offerReadYourWrites(fastify: FastifyInstance, readModels: ReadModels, waitMs = defaultWaitMs): void {
  fastify.addHook('onRequest', (_request, reply, done) => {
    const written = {};
    reply.annalsWritten = written;
    writes.run(written, done);
  });
  fastify.addHook('onSend', async (_request, reply) => {
    const position = reply.annalsWritten?.position;
    if (position !== undefined) reply.header(positionHeader, position.toString());
  });
  fastify.addHook('preHandler', (request, reply) => waitForReadModels(request, reply, readModels, waitMs));
}

async function waitForReadModels(
  request: FastifyRequest,
  reply: FastifyReply,
  readModels: ReadModels,
  timeoutMs: number,
): Promise<void> {
  const wanted = request.headers[waitForHeader];
  if (wanted === undefined || (request.method !== 'GET' && request.method !== 'HEAD')) return;
  if (typeof wanted !== 'string' || !positionPattern.test(wanted))
    throw new BadRequestException(['Annals-Wait-For must be a position as Annals-Position gave it']);
  const gone = new AbortController();
  request.raw.once('close', () => gone.abort());
  if (await readModels.waitForAll(BigInt(wanted), { timeoutMs, signal: gone.signal })) return;
  const lags = (await readModels.status()).map(({ lagMs }) => lagMs);
  void reply.header(lagHeader, String(Math.round(Math.max(0, ...lags))));
}

declare module 'fastify' {
  interface FastifyReply {
    annalsWritten?: { position?: bigint };
  }
}
