/** What the port answers to plain HTTP: whether the server lives, what it is, and its statistics. */
import { EVENTSTOREDB_VERSION } from '../protocol/cluster-services.js';
import type { HttpHandler } from '../protocol/listener.js';
import type { StatisticsSource } from '../operations/statistics.js';

export interface HttpOptions {
  readonly statistics: () => StatisticsSource;
  readonly isStopping: () => boolean;
}

export function httpHandler({ statistics, isStopping }: HttpOptions): HttpHandler {
  return (request, response) => {
    const answer = (status: number, body?: object): void => {
      response.statusCode = status;
      if (body === undefined) {
        response.end();
        return;
      }
      response.setHeader('content-type', 'application/json');
      response.end(`${JSON.stringify(body)}\n`);
    };
    const path = (request.url ?? '/').split('?')[0] ?? '/';
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return answer(405, { error: 'Only GET is answered here; everything else goes over gRPC.' });
    switch (path.replace(/(.)\/$/, '$1')) {
      case '/health/live':
        return answer(isStopping() ? 503 : 204);
      case '/info':
        return answer(200, {
          esVersion: EVENTSTOREDB_VERSION,
          product: 'annals-event-store',
          state: 'leader',
          features: { projections: false, userManagement: false, atomPub: false },
          authentication: { type: 'basic' },
        });
      case '/stats':
        return answer(200, statistics().collect());
      default:
        return answer(404, {
          error: `There is nothing at ${path}. Try /health/live, /info or /stats; events are read and written over gRPC.`,
        });
    }
  };
}
