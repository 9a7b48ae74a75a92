/** Keeps the request's `Authorization` for the calls that are made because of it (`resilientHttp` sends it along). */
import { onBehalfOf } from '@annals/resilience';
import type { FastifyInstance } from 'fastify';

export function rememberCallers(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', (request, _reply, done) => onBehalfOf(request.headers.authorization, done));
}
