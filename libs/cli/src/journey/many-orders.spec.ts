import { describe, expect, it } from '@jest/globals';
import { playManyOrders, type Settled, type Standing } from './many-orders.js';
import type { ListedOrder, OrderRequest, ShopClient } from './shop-client.js';
import { standingLine, summaries, summaryTable } from './show-many-orders.js';

/** A shop in which an order is over the second time that somebody looks. */
function shop() {
  const requests: OrderRequest[] = [];
  const orders = new Map<string, ListedOrder>();
  const client = {
    receiveStock: () => Promise.resolve(),
    placeOrder: (request: OrderRequest) => {
      const orderId = `o-${requests.push(request)}`;
      orders.set(orderId, { orderId, status: 'placed', reason: null });
      return Promise.resolve(orderId);
    },
    ordersOf: () => {
      const listed = [...orders.values()];
      for (const { orderId } of listed) {
        const declined = requests[Number(orderId.slice(2)) - 1]?.cardNumber === '4000000000000002';
        orders.set(orderId, {
          orderId,
          ...(declined ? { status: 'cancelled', reason: 'declined' } : { status: 'confirmed', reason: null }),
        });
      }
      return Promise.resolve(listed);
    },
  };
  return { requests, client: client as unknown as ShopClient };
}

describe('many orders', () => {
  it('are placed with their share of declined cards, and followed to their ends', async () => {
    const { client, requests } = shop();
    const standings: Standing[] = [];
    const never = new AbortController().signal;
    const settled = await playManyOrders(client, { orders: 40, declined: 0.1 }, never, (standing) =>
      standings.push(standing),
    );
    expect(requests.filter(({ cardNumber }) => cardNumber === '4000000000000002')).toHaveLength(4);
    expect(new Set(requests.map(({ customerId }) => customerId)).size).toBe(1);
    expect(new Set(settled.map(({ orderId }) => orderId)).size).toBe(40);
    expect(settled.filter(({ outcome }) => outcome === 'compensated')).toHaveLength(4);
    expect(standings.at(-1)?.byStatus).toEqual({ confirmed: 36, cancelled: 4 });
  });

  it('end with the first request that is refused', async () => {
    const { client } = shop();
    const refusing = { ...client, placeOrder: () => Promise.reject(new Error('no')) } as unknown as ShopClient;
    const never = new AbortController().signal;
    const playing = playManyOrders(refusing, { orders: 2, declined: 0 }, never, () => undefined);
    await expect(playing).rejects.toThrow('no');
  });

  it('are shown as one line while they are under way', () => {
    const byStatus = { placed: 3, paid: 2, confirmed: 4, cancelled: 1 };
    const { text, drawn } = standingLine({ orders: 10, byStatus, elapsedMs: 2_000 });
    expect(text).toBe('  5 of 10 orders: 4 fulfilled, 1 compensated; 3 placed, 2 paid (2.5/s)');
    expect(drawn).toContain('█'.repeat(15) + '░'.repeat(15));
  });

  it('are summed up by outcome, with the time that half and nearly all of them took', () => {
    const fulfilled = Array.from({ length: 20 }, (_, index): Settled => {
      return { orderId: `o-${index}`, outcome: 'fulfilled', reason: null, tookMs: (index + 1) * 10 };
    });
    const compensated: Settled = { orderId: 'o-x', outcome: 'compensated', reason: 'declined', tookMs: 15.4 };
    const rows = summaries([...fulfilled, compensated]);
    expect(rows).toEqual([
      { outcome: 'fulfilled', orders: 20, p50Ms: 100, p95Ms: 190 },
      { outcome: 'compensated: declined', orders: 1, p50Ms: 15, p95Ms: 15 },
      { outcome: 'all', orders: 21, p50Ms: 100, p95Ms: 190 },
    ]);
    expect(summaryTable(rows)[1]).toMatch(/^fulfilled +20 +100 +190$/);
    expect(summaries([])[0]).toEqual({ outcome: 'fulfilled', orders: 0, p50Ms: undefined, p95Ms: undefined });
  });
});
