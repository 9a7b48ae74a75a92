/** G10: several processes of one app. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { freePort } from '@annals/embedded';
import { AppProcess } from '../shop/app-process.js';
import { Shop } from '../shop/shop.js';

let shop: Shop;
let second: AppProcess;
beforeAll(async () => {
  shop = await Shop.start();
  second = await shop.another('orders', await freePort());
}, 180_000);
afterAll(async () => {
  await second.end('SIGTERM');
  await shop.stop();
});

describe('two processes of orders', () => {
  it('finish journeys once, and one goes on within 5 s of the kill -9 of the other', async () => {
    await shop.receiveStock('twice', 100);
    const placed: string[] = [];
    for (let i = 0; i < 10; i++) placed.push(await shop.placeOrder({ sku: 'twice' }));
    // Whichever of the two had the sagas, the messages and the publisher: in one of the two rounds it is killed.
    for (const victim of [second, shop.apps.orders]) {
      const other = victim === second ? shop.apps.orders : second;
      await victim.end('SIGKILL');
      const killedAt = performance.now();
      const orderId = await shop.placeOrder({ sku: 'twice', at: other.url });
      await shop.shows(other, `/orders/${orderId}`, { status: 'confirmed' }, 10_000);
      expect(performance.now() - killedAt).toBeLessThan(5_000);
      placed.push(orderId);
      await victim.start();
    }
    for (const orderId of placed) {
      await shop.shows('orders', `/orders/${orderId}`, { status: 'confirmed' });
      expect(await shop.eventTypes(`payment-${orderId}`)).toEqual(['PaymentTaken']);
      expect(await shop.eventTypes(`order-${orderId}`)).toContain('OrderConfirmed');
    }
  }, 120_000);
});
