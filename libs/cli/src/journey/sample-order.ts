/** The order that `annals start` places, and the stock that it needs. */
import { randomUUID } from 'node:crypto';
import { JourneyNotCompleted } from '../errors.js';
import { followOrder, type SeenStage } from './follow-order.js';
import type { OrderRequest, OrderView, ShopClient } from './shop-client.js';

export const sampleOrder: OrderRequest = {
  customerId: 'c-42',
  email: 'ada@example.com',
  lines: [
    { sku: 'tea', quantity: 2, unitPrice: { amount: 450, currency: 'EUR' } },
    { sku: 'mug', quantity: 1, unitPrice: { amount: 1_200, currency: 'EUR' } },
  ],
  shipTo: { name: 'Ada Lovelace', street: 'Hauptstraße 1', postcode: '10115', city: 'Berlin', country: 'DE' },
  cardNumber: '4242424242424242',
};

/** Below this many pieces, more are taken into stock: enough for those who try some orders of their own. */
const lowStock = 20;
const receipt = 100;

/** @returns what there is of every SKU of the order */
export async function putStockIn(shop: ShopClient, { lines }: OrderRequest): Promise<Record<string, number>> {
  const levels = lines.map(async ({ sku }): Promise<[string, number]> => {
    const available = await shop.available(sku);
    if (available >= lowStock) return [sku, available];
    await shop.receiveStock(sku, receipt, randomUUID());
    return [sku, available + receipt];
  });
  return Object.fromEntries(await Promise.all(levels));
}

export interface Journey {
  readonly orderId: string;
  readonly stages: readonly SeenStage[];
  /** The final read model of the order. */
  readonly order: OrderView['order'];
}

/**
 * Places an order and follows it to its end.
 * @param show is told each stage when it is first seen
 * @throws JourneyNotCompleted, RequestRefused
 */
export async function takeJourney(
  shop: ShopClient,
  request: OrderRequest,
  signal: AbortSignal,
  show: (stage: SeenStage) => void,
): Promise<Journey> {
  const began = performance.now();
  const stages: SeenStage[] = [];
  let orderId: string | undefined;
  try {
    orderId = await shop.placeOrder(request, randomUUID());
    const following = followOrder(shop, orderId, began, signal);
    let next = await following.next();
    for (; !next.done; next = await following.next()) {
      stages.push(next.value);
      show(next.value);
    }
    const { order } = next.value;
    if (order?.status !== 'confirmed')
      throw new JourneyNotCompleted(orderId, `it was cancelled (${order?.reason ?? 'no reason given'}).`);
    return { orderId, stages, order };
  } catch (cause) {
    if (!signal.aborted) throw cause;
    const last = stages.at(-1)?.name ?? (orderId === undefined ? 'nothing: the order could not be placed' : 'nothing');
    throw new JourneyNotCompleted(orderId, `time is over; the last that was seen of it is: ${last}.`, { cause });
  }
}
