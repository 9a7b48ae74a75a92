/** The contexts behind the gateway, each with its policy. `<NAME>_URL` and `RESILIENCE_<NAME>_...` override it. */
import { dependency, type Policy } from '@annals/resilience';

/**
 * The gateway answers people: it waits less long and tries again sooner than services do among each other. A query may
 * wait 5 s for its read model (`Annals-Wait-For`), and must then still be answered.
 */
const edge: Policy = { timeout: 8_000, retry: { tries: 2, firstMs: 50, maxMs: 1_000 } };

export const orders = dependency('orders', {
  ...edge,
  url: urlOf('orders', 3001),
  bulkhead: { limit: 64, queue: 512 },
});
export const inventory = dependency('inventory', {
  ...edge,
  url: urlOf('inventory', 3002),
  bulkhead: { limit: 20, queue: 512 },
});
export const payments = dependency('payments', {
  ...edge,
  url: urlOf('payments', 3003),
  bulkhead: { limit: 10, queue: 256 },
});
export const shipping = dependency('shipping', {
  ...edge,
  url: urlOf('shipping', 3004),
  bulkhead: { limit: 20, queue: 256 },
});
export const notifications = dependency('notifications', {
  ...edge,
  url: urlOf('notifications', 3005),
  bulkhead: { limit: 10, queue: 128 },
});

/** What a shop is moved away from, route by route; without LEGACY_SHOP_URL there is none. */
export const legacyShop = dependency('legacy-shop', { ...edge, bulkhead: { limit: 32, queue: 256 } });

export const contexts = { orders, inventory, payments, shipping, notifications } as const;
export type ContextName = keyof typeof contexts;

/** On a laptop a context that was given another port is found there. */
function urlOf(context: string, port: number): string {
  return `http://127.0.0.1:${process.env[`${context.toUpperCase()}_PORT`] || port}`;
}
