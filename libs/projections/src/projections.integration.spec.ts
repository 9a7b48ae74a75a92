import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '@annals/testing';
import { Shop, OrderSummary } from '../test/shop.js';

describe('Projections', () => {
  let shop: Shop;
  beforeAll(async () => {
    shop = await Shop.open();
  });
  afterEach(() => shop.stopInstances());
  afterAll(() => shop.close());

  it('fold events into rows that queries see, and say when', async () => {
    const { projections, orders } = await shop.instance();
    const position = await shop.place('1', 'ann', 3);
    expect(await projections.waitFor('order-summary', position)).toBe(true);
    expect(await orders.findOneByOrFail({ orderId: '1' })).toEqual({
      orderId: '1',
      customerId: 'ann',
      status: 'placed',
      lines: [{ qty: 3, sku: 'a' }],
      changes: 1,
      total: '30.00',
      placedAt: expect.any(Date),
    });
    await eventually(async () =>
      expect(await projections.status()).toMatchObject([{ state: 'live', events: 1, parked: 0, behind: 0 }]),
    );
    expect(orders.metadata.target).toBe(OrderSummary);
  });
});
