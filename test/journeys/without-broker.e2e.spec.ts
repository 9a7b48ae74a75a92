import { afterAll, beforeAll, describe, it } from '@jest/globals';
import { UndisturbedParts } from '../shop/shop-parts.js';
import { Shop } from '../shop/shop.js';

let shop: Shop;
beforeAll(async () => {
  const parts = await UndisturbedParts.start();
  await parts.stopNats();
  shop = await Shop.start('eventstore', {}, parts);
}, 180_000);
afterAll(() => shop.stop());

describe('without a broker, messages travel through the event store', () => {
  it('and an order is confirmed, delivered, and told of', async () => {
    await shop.receiveStock('tea', 3);
    const orderId = await shop.placeOrder({ sku: 'tea', quantity: 2 });
    await shop.shows('orders', `/orders/${orderId}`, { status: 'confirmed' });
    await shop.shows('inventory', '/stock/tea', { available: 1, allocated: 2 });
    await shop.shows('orders', `/orders/${orderId}`, { status: 'confirmed', shipment: 'delivered' });
    for (const kind of ['order-confirmed', 'order-dispatched'])
      await shop.shows('notifications', `/mails/${orderId}.${kind}`, { status: 'sent' });
  });

  it('and a declined payment is compensated', async () => {
    await shop.receiveStock('cup', 3);
    const orderId = await shop.placeOrder({ sku: 'cup', quantity: 2, card: 'declined' });
    await shop.shows('orders', `/orders/${orderId}`, { status: 'cancelled' });
    await shop.shows('inventory', '/stock/cup', { available: 3, allocated: 0 });
    await shop.shows('notifications', `/mails/${orderId}.order-cancelled`, { status: 'sent' });
  });

  it('and a refused shipment is compensated', async () => {
    await shop.receiveStock('pot', 3);
    const orderId = await shop.placeOrder({ sku: 'pot', quantity: 2, address: 'refused' });
    await shop.shows('orders', `/orders/${orderId}`, { status: 'cancelled' });
    await shop.shows('payments', `/payments/${orderId}`, { status: 'refunded' });
    await shop.shows('inventory', '/stock/pot', { available: 3, allocated: 0 });
  });
});
