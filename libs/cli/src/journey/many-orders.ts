/** Many orders at once: placed, and followed to their ends. */
import { randomUUID } from 'node:crypto';
import { pause } from '@annals/core';
import { OrdersNotSettled } from '../errors.js';
import { sampleOrder } from './sample-order.js';
import type { ListedOrder, OrderRequest, ShopClient } from './shop-client.js';

export interface ManyOrders {
  readonly orders: number;
  /** Share of cards that are declined, 0 to 1. */
  readonly declined: number;
}

/** How far all of them are. */
export interface Standing {
  readonly orders: number;
  /** How many are in each status; those that nobody has heard of yet are missing. */
  readonly byStatus: Readonly<Record<string, number>>;
  readonly elapsedMs: number;
}

export interface Settled {
  readonly orderId: string;
  readonly outcome: 'fulfilled' | 'compensated';
  readonly reason: string | null;
  /** From the request to when its end was seen, in ms. */
  readonly tookMs: number;
}

const sku = 'tea';
const atOnce = 16;
/** Per so many orders: a list of ten times as many is asked for ten times as seldom. */
const lookEveryMs = 100;
const ordersPerLook = 200;
const declinedCard = '4000000000000002';
const withinMs = (orders: number): number => 60_000 + orders * 500;

/**
 * @param show is told how far they are, several times a second
 * @throws OrdersNotSettled, RequestRefused; the signal's reason
 */
export async function playManyOrders(
  shop: ShopClient,
  { orders, declined }: ManyOrders,
  stopped: AbortSignal,
  show: (standing: Standing) => void,
): Promise<Settled[]> {
  const customerId = `crowd-${randomUUID().slice(0, 8)}`;
  await shop.receiveStock(sku, orders, randomUUID());
  const began = performance.now();
  const placedAt = new Map<string, number>();
  const failed = new AbortController();
  void placeAll(shop, requests(customerId, orders, declined), placedAt).catch((error: unknown) => failed.abort(error));
  const settled = new Map<string, Settled>();
  const timeOver = AbortSignal.timeout(withinMs(orders));
  const signal = AbortSignal.any([stopped, failed.signal, timeOver]);
  for (;;) {
    const listed = await shop.ordersOf(customerId);
    note(listed, placedAt, settled);
    show({ orders, byStatus: countByStatus(listed), elapsedMs: performance.now() - began });
    if (settled.size === orders) return [...settled.values()];
    await pause(lookEveryMs * Math.ceil(orders / ordersPerLook), signal);
    stopped.throwIfAborted();
    failed.signal.throwIfAborted();
    if (timeOver.aborted) throw new OrdersNotSettled(orders - settled.size, orders, withinMs(orders));
  }
}

/** Declined ones are spread evenly over all. */
function requests(customerId: string, orders: number, declined: number): OrderRequest[] {
  const line = { sku, quantity: 1, unitPrice: { amount: 450, currency: 'EUR' } };
  return Array.from({ length: orders }, (_, index) => ({
    ...sampleOrder,
    customerId,
    lines: [line],
    ...(Math.floor((index + 1) * declined) > Math.floor(index * declined) && { cardNumber: declinedCard }),
  }));
}

/** Notes when each was asked for, under its id. */
async function placeAll(shop: ShopClient, all: readonly OrderRequest[], placedAt: Map<string, number>): Promise<void> {
  const waiting = all.values();
  const place = async () => {
    for (const request of waiting) {
      const asked = performance.now();
      placedAt.set(await shop.placeOrder(request, randomUUID()), asked);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, place));
}

/** Remembers ends that are seen for the first time. An order may be listed before its request is answered: it is noted later. */
function note(
  listed: readonly ListedOrder[],
  placedAt: ReadonlyMap<string, number>,
  settled: Map<string, Settled>,
): void {
  const now = performance.now();
  for (const { orderId, status, reason } of listed) {
    const asked = placedAt.get(orderId);
    if (asked === undefined || settled.has(orderId) || (status !== 'confirmed' && status !== 'cancelled')) continue;
    const outcome = status === 'confirmed' ? 'fulfilled' : 'compensated';
    settled.set(orderId, { orderId, outcome, reason, tookMs: now - asked });
  }
}

function countByStatus(listed: readonly ListedOrder[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { status } of listed) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}
