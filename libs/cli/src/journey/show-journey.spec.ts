import { expect, it } from '@jest/globals';
import { sampleOrder } from './sample-order.js';
import { orderLine, stageLine, tryNext } from './show-journey.js';

const urls = { orders: 'http://127.0.0.1:3001', inventory: 'http://127.0.0.1:3002' };

it('shows what is ordered, and each stage on a line with its time', () => {
  expect(orderLine(sampleOrder, { tea: 100, mug: 20 })).toBe(
    'A sample order of 2 tea, 1 mug (in stock: 100 tea, 20 mug)',
  );
  expect(stageLine({ name: 'placed', context: 'orders', afterMs: 12 })).toBe('    12 ms  placed            orders');
  expect(stageLine({ name: 'cancelled', context: 'orders', afterMs: 1_200, reason: 'no stock' })).toBe(
    '  1200 ms  cancelled         orders: no stock',
  );
});

it('names the pages, a token, the queries, and an order that can be pasted into a shell', () => {
  const text = tryNext(urls, { orderId: 'o-1', stages: [], order: undefined }, 'the.customers.token').join('\n');
  expect(text).toContain('http://127.0.0.1:3002/docs (inventory)');
  expect(text).toMatch(/ TOKEN=the\.customers\.token\n/);
  expect(text).toContain('curl -H "authorization: Bearer $TOKEN" http://127.0.0.1:3001/orders/o-1\n');
  const body = /-d '(.*)'/.exec(text)?.[1] ?? '';
  expect(JSON.parse(body)).toMatchObject({ customerId: 'c-42', cardNumber: '4242424242424242' });
});

it('goes through the gateway where there is one; operators go to the context itself', () => {
  const all = { ...urls, gateway: 'http://127.0.0.1:3000' };
  const text = tryNext(all, { orderId: 'o-1', stages: [], order: undefined }, undefined).join('\n');
  expect(text).toContain('http://127.0.0.1:3000/api/orders/o-1');
  expect(text).toContain('http://127.0.0.1:3001/admin/projections');
});
