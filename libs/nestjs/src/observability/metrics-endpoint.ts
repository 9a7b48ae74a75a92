/**
 * `GET /metrics` for Prometheus, on the app's own port. It holds no personal data, but says how a shop is doing: the port
 * is the loopback's unless HOST says otherwise, the gateway does not pass it on, and with METRICS_TOKEN it asks for that.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { Telemetry } from './telemetry.js';

export function serveMetrics(fastify: FastifyInstance, telemetry: Telemetry): void {
  const { metrics, metricsToken } = telemetry.settings;
  if (!metrics) return;
  fastify.get('/metrics', async (request, reply) => {
    if (metricsToken !== undefined && !isSame(request.headers.authorization ?? '', `Bearer ${metricsToken}`))
      return reply.code(401).header('www-authenticate', 'Bearer').send('');
    return reply.type('text/plain; version=0.0.4; charset=utf-8').send(await telemetry.metricsText());
  });
}

/** In a time that does not depend on where the texts differ. */
const isSame = (one: string, other: string): boolean => timingSafeEqual(digest(one), digest(other));
const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
