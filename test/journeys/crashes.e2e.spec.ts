import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { appNames, Shop } from '../shop/shop.js';

let shop: Shop;
beforeAll(async () => {
  shop = await Shop.start();
}, 180_000);
afterAll(() => shop.stop());

describe('kill -9 in the middle of journeys', () => {
  it.each(appNames)(
    'of %s: every journey is completed once after a restart',
    async (victim) => {
      const sku = `crash-${victim}`;
      const count = 12;
      await shop.receiveStock(sku, 100);
      const placed: string[] = [];
      // The kill falls between journeys in all stages: some are done, some under way, some not begun.
      for (let i = 0; i < count; i++) placed.push(await shop.placeOrder({ sku }));
      await shop.apps[victim].end('SIGKILL');
      if (victim !== 'orders') placed.push(await shop.placeOrder({ sku }));
      await shop.apps[victim].start();
      for (const orderId of placed) await shop.shows('orders', `/orders/${orderId}`, { status: 'confirmed' });
      await shop.shows('inventory', `/stock/${sku}`, { available: 100 - placed.length, allocated: placed.length });
      for (const orderId of placed) {
        expect(await shop.eventTypes(`payment-${orderId}`)).toEqual(['PaymentTaken']);
        expect(await shop.eventTypes(`reservation-${orderId}`)).toEqual(['StockReserved']);
        await shop.shows('shipping', `/shipments/${orderId}`, { status: 'delivered' });
        expect(await shop.eventTypes(`shipment-${orderId}`)).toEqual([
          'ShipmentArranged',
          'ShipmentDispatched',
          'ShipmentDelivered',
        ]);
        expect((await shop.eventTypes(`order-${orderId}`)).filter((type) => type === 'OrderConfirmed')).toHaveLength(1);
      }
    },
    240_000,
  );

  it('a declined payment is compensated once also when orders dies meanwhile', async () => {
    await shop.receiveStock('crash-declined', 10);
    const orderId = await shop.placeOrder({ sku: 'crash-declined', card: 'declined' });
    await shop.apps.orders.end('SIGKILL');
    await shop.apps.orders.start();
    await shop.shows('orders', `/orders/${orderId}`, { status: 'cancelled' });
    await shop.shows('inventory', '/stock/crash-declined', { available: 10, allocated: 0 });
    expect(await shop.eventTypes(`payment-${orderId}`)).toEqual(['PaymentDeclined']);
  }, 180_000);
});

describe('SIGTERM (G12)', () => {
  it.each(appNames)(
    'ends %s cleanly in under 10 s',
    async (name) => {
      const { code, ms } = await shop.apps[name].end('SIGTERM');
      expect({ name, code }).toEqual({ name, code: 0 });
      expect(ms).toBeLessThan(10_000);
      await shop.apps[name].start();
    },
    60_000,
  );
});
