/**
 * THE MAP: every route of the gateway. What is not here is not reachable from outside: health, metrics and `/admin` of the
 * contexts are not.
 */
import { operatorRole, serviceRole } from '@annals/nestjs';
import type { Dependency } from '@annals/resilience';
import type { RouteAccess } from './access.js';
import { inventory, legacyShop, notifications, orders, payments, shipping } from './dependencies.js';
import type { RateLimit } from './rate-limit/rate-limiter.js';

export interface GatewayRoute {
  /** Serves this path and everything below it. */
  readonly path: `/api/${string}`;
  /** Who serves it, under whose circuit, bulkhead and time limit. */
  readonly context: Dependency;
  /** The same place in the context. */
  readonly at: `/${string}`;
  readonly auth: RouteAccess;
  /** Until the answer begins, in ms; default: the context's time limit. */
  readonly timeoutMs?: number;
  /** Per client, besides the limit of the whole gateway. */
  readonly rateLimit?: RateLimit;
  /** Default 1 MiB, what the contexts take. */
  readonly maxBodyBytes?: number;
  /** Who served it before, and still may: which requests go where is said by the strangler's rules, under this route's path. */
  readonly legacy?: Dependency;
}

const minute = 60_000;
const staff = [operatorRole, serviceRole];
const shoppers = ['customer', ...staff];

export const routes: readonly GatewayRoute[] = [
  { path: '/api/orders', context: orders, at: '/orders', auth: shoppers, legacy: legacyShop },
  { path: '/api/stock', context: inventory, at: '/stock', auth: 'signed-in', legacy: legacyShop },
  { path: '/api/reservations', context: inventory, at: '/reservations', auth: staff },
  {
    path: '/api/payments',
    context: payments,
    at: '/payments',
    auth: staff,
    rateLimit: { limit: 6_000, windowMs: minute },
  },
  { path: '/api/shipments', context: shipping, at: '/shipments', auth: staff },
  // The carrier has no account here: the context knows it by its signature.
  {
    path: '/api/carrier-reports',
    context: shipping,
    at: '/carrier-reports',
    auth: 'everybody',
    rateLimit: { limit: 600, windowMs: minute },
    maxBodyBytes: 16 * 1024,
  },
  { path: '/api/mails', context: notifications, at: '/mails', auth: staff },
];
