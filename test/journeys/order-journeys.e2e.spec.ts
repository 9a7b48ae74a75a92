import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { MailboxServer } from '../mail/mailbox-server.js';
import { appNames, orderBody, Shop } from '../shop/shop.js';

const paymentDeadline = 'PT10S';

let shop: Shop;
let mailbox: MailboxServer;
beforeAll(async () => {
  mailbox = await new MailboxServer().start();
  shop = await Shop.start('nats', { PAYMENT_DEADLINE: paymentDeadline, SMTP_URL: mailbox.url });
}, 180_000);
afterAll(async () => {
  await shop.stop();
  await mailbox.stop();
});

let items = 0;
/** A SKU of its own for each test, with so much in stock. */
async function stocked(quantity: number): Promise<string> {
  const sku = `item-${items++}`;
  await shop.receiveStock(sku, quantity);
  return sku;
}

describe('the journey of an order', () => {
  it('ends confirmed when there is stock, money and a carrier', async () => {
    const sku = await stocked(5);
    const orderId = await shop.placeOrder({ sku, quantity: 2 });
    await shop.shows('orders', `/orders/${orderId}`, { status: 'confirmed', reason: null, totalAmount: 900 });
    await shop.shows('inventory', `/reservations/${orderId}`, { status: 'reserved', lines: [{ sku, quantity: 2 }] });
    await shop.shows('payments', `/payments/${orderId}`, { status: 'taken', amount: 900, currency: 'EUR' });
    await shop.shows('inventory', `/stock/${sku}`, { available: 3, allocated: 2 });
    const shipment = await shop.shows('shipping', `/shipments/${orderId}`, { status: 'delivered' });
    const delivered = await shop.get('shipping', '/shipments?status=delivered');
    expect(delivered.body).toMatchObject({ items: [{ orderId }] });
    expect(shipment).toMatchObject({ carrier: 'postbote', lines: [{ sku, quantity: 2 }], shipTo: { city: 'Berlin' } });
    const { trackingNumber } = shipment;
    await shop.shows('orders', `/orders/${orderId}`, { status: 'confirmed', shipment: 'delivered', trackingNumber });
  });

  it('ends cancelled, with the stock released, when the card is declined', async () => {
    const sku = await stocked(5);
    const orderId = await shop.placeOrder({ sku, quantity: 2, card: 'declined' });
    const order = await shop.shows('orders', `/orders/${orderId}`, { status: 'cancelled' });
    expect(order['reason']).toMatch(/take payment|declined/);
    await shop.shows('inventory', `/reservations/${orderId}`, { status: 'released' });
    await shop.shows('payments', `/payments/${orderId}`, { status: 'declined' });
    await shop.shows('inventory', `/stock/${sku}`, { available: 5, allocated: 0 });
  });

  it('ends cancelled, with nothing taken, when something is out of stock', async () => {
    const sku = await stocked(1);
    const orderId = await shop.placeOrder({ sku, quantity: 2 });
    await shop.shows('orders', `/orders/${orderId}`, { status: 'cancelled' });
    await shop.shows('inventory', `/reservations/${orderId}`, {
      status: 'rejected',
      short: [{ sku, requested: 2, available: 1 }],
    });
    await shop.shows('inventory', `/stock/${sku}`, { available: 1, allocated: 0 });
    expect((await shop.get('payments', `/payments/${orderId}`)).status).toBe(404);
  });

  it('ends cancelled, refunded and released, when the carrier does not deliver there', async () => {
    const sku = await stocked(5);
    const orderId = await shop.placeOrder({ sku, quantity: 2, address: 'refused' });
    const order = await shop.shows('orders', `/orders/${orderId}`, { status: 'cancelled' });
    expect(order['reason']).toContain('shipment-refused');
    await shop.shows('shipping', `/shipments/${orderId}`, {
      status: 'refused',
      reason: 'postbote does not deliver to AQ',
    });
    await shop.shows('payments', `/payments/${orderId}`, { status: 'refunded', amount: 900 });
    await shop.shows('inventory', `/stock/${sku}`, { available: 5, allocated: 0 });
    expect(await shop.eventTypes(`shipment-${orderId}`)).toEqual(['ShipmentRefused']);
  });

  it('ends cancelled when the payment does not come in time; one that comes later is refunded', async () => {
    const sku = await stocked(5);
    await shop.apps.payments.end('SIGTERM');
    const orderId = await shop.placeOrder({ sku, quantity: 2 });
    const order = await shop.shows('orders', `/orders/${orderId}`, { status: 'cancelled' });
    expect(order['reason']).toBe(`no answer within ${paymentDeadline}`);
    await shop.shows('inventory', `/stock/${sku}`, { available: 5, allocated: 0 });
    await shop.apps.payments.start();
    await shop.shows('payments', `/payments/${orderId}`, { status: 'refunded' });
    expect(await shop.eventTypes(`payment-${orderId}`)).toEqual(['PaymentTaken', 'PaymentRefunded']);
  }, 90_000);

  it('goes on when the carrier is back, and books once however often it is asked', async () => {
    const sku = await stocked(20);
    await shop.simulateCarrier({ down: true });
    const placed = await Promise.all(Array.from({ length: 4 }, () => shop.placeOrder({ sku })));
    for (const orderId of placed) await shop.shows('payments', `/payments/${orderId}`, { status: 'taken' });
    await shop.simulateCarrier({ down: false, failing: 0.4, latencyMs: 20 });
    // The longer it was away, the longer a message waits for its next try.
    for (const orderId of placed) await shop.shows('orders', `/orders/${orderId}`, { status: 'confirmed' }, 60_000);
    await shop.simulateCarrier({ failing: 0, latencyMs: 5 });
    for (const orderId of placed) {
      await shop.shows('shipping', `/shipments/${orderId}`, { status: 'delivered' });
      expect(await shop.eventTypes(`shipment-${orderId}`)).toEqual([
        'ShipmentArranged',
        'ShipmentDispatched',
        'ShipmentDelivered',
      ]);
    }
  }, 120_000);

  it('is one journey when the order is posted twice with one Idempotency-Key', async () => {
    const sku = await stocked(5);
    const key = randomUUID();
    const [first, second] = await Promise.all([shop.placeOrder({ sku, key }), shop.placeOrder({ sku, key })]);
    const third = await shop.placeOrder({ sku, key });
    expect([second, third]).toEqual([first, first]);
    await shop.shows('orders', `/orders/${first}`, { status: 'confirmed' });
    await shop.shows('inventory', `/stock/${sku}`, { available: 4, allocated: 1 });
  });

  it('is cancelled as it was seen, or not at all: ETag and If-Match', async () => {
    const orderId = await shop.placeOrder({ sku: await stocked(5) });
    await shop.shows('orders', `/orders/${orderId}`, { status: 'confirmed', shipment: 'delivered' });
    const { headers, body } = await shop.get('orders', `/orders/${orderId}`);
    expect(headers.get('etag')).toBe(`"${String(body['revision'])}"`);
    const before = await shop.eventTypes(`order-${orderId}`);
    expect(body['revision']).toBe(before.length - 1);
    const cancel = (tag: string | null) =>
      shop.post('orders', `/orders/${orderId}/cancellation`, { reason: 'too slow' }, { 'if-match': tag ?? '' });
    expect(await cancel('"0"')).toMatchObject({
      status: 412,
      body: { code: 'EVENT_STORE_WRONG_EXPECTED_REVISION', expected: 0, actual: before.length - 1 },
    });
    expect(await cancel('nonsense')).toMatchObject({ status: 400 });
    // The precondition holds; what speaks against it now is the order itself.
    expect(await cancel(headers.get('etag'))).toMatchObject({ status: 409 });
    expect(await shop.eventTypes(`order-${orderId}`)).toEqual(before);
  });

  it('carries one correlation id all the way', async () => {
    const sku = await stocked(5);
    const answer = await shop.post('orders', '/orders', orderBody(sku), { 'x-correlation-id': `talk-${sku}` });
    expect(answer.headers.get('x-correlation-id')).toBe(`talk-${sku}`);
    const orderId = String(answer.body['orderId']);
    await shop.shows('orders', `/orders/${orderId}`, { status: 'confirmed' });
    for (const stream of [`order-${orderId}`, `reservation-${orderId}`, `payment-${orderId}`, `shipment-${orderId}`]) {
      const ids = await shop.correlationIds(stream);
      expect([stream, ...new Set(ids)]).toEqual([stream, `talk-${sku}`]);
    }
  });
});

describe('the mails about an order', () => {
  let customers = 0;
  const newCustomer = () => `customer-${customers++}@example.com`;
  const placeFor = async (email: string, kind: Parameters<typeof orderBody>[1] = {}) => {
    const order = { ...orderBody(await stocked(5), kind), email };
    return (await shop.post<{ orderId: string }>('orders', '/orders', order)).body.orderId;
  };
  const subjectsTo = (email: string) =>
    mailbox.mails.filter(({ to }) => [to].flat()[0]?.text === email).map(({ subject }) => subject);
  const isSent = (orderId: string, kind: string) =>
    shop.shows('notifications', `/mails/${orderId}.${kind}`, { status: 'sent' }, 60_000);

  it('say that it is confirmed, and that it is on its way, once each', async () => {
    const email = newCustomer();
    const orderId = await placeFor(email);
    await isSent(orderId, 'order-confirmed');
    await isSent(orderId, 'order-dispatched');
    expect(subjectsTo(email).sort()).toEqual([
      `Your order ${orderId} is confirmed`,
      `Your order ${orderId} is on its way`,
    ]);
    const { body } = await shop.get<{ items: { mailId: string }[] }>('notifications', `/mails?orderId=${orderId}`);
    expect(body.items.map(({ mailId }) => mailId).sort()).toEqual([
      `${orderId}.order-confirmed`,
      `${orderId}.order-dispatched`,
    ]);
    for (const [app, list, status] of [
      ['payments', 'payments', 'taken'],
      ['notifications', 'mails', 'sent'],
    ] as const) {
      const { body: found } = await shop.get<{ items: object[] }>(app, `/${list}?status=${status}&limit=1`);
      expect(found.items).toEqual([expect.objectContaining({ status })]);
      expect((await shop.get(app, `/${list}?status=lost`)).status).toBe(400);
    }
  }, 90_000);

  it('say that it is cancelled, and nothing else', async () => {
    const email = newCustomer();
    const orderId = await placeFor(email, { card: 'declined' });
    await isSent(orderId, 'order-cancelled');
    expect(subjectsTo(email)).toEqual([`Your order ${orderId} is cancelled`]);
  }, 90_000);

  it('are sent later when the server puts them off, and given up when it refuses them', async () => {
    const [greylisted, unknown] = [newCustomer(), newCustomer()];
    mailbox.replyTo = (recipient, attempt) => {
      if (recipient === unknown) return { code: 550, text: 'no such user' };
      return recipient === greylisted && attempt === 1 ? { code: 451, text: 'come again' } : undefined;
    };
    const [first, second] = await Promise.all([
      placeFor(greylisted, { card: 'declined' }),
      placeFor(unknown, { card: 'declined' }),
    ]);
    await isSent(first, 'order-cancelled');
    expect(mailbox.attempts.get(greylisted)).toBe(2);
    await shop.shows('notifications', `/mails/${second}.order-cancelled`, { status: 'given-up' });
    expect(mailbox.attempts.get(unknown)).toBe(1);
  }, 90_000);

  it('wait for a mail server that is away, also when notifications dies meanwhile', async () => {
    const email = newCustomer();
    await mailbox.stop();
    const orderId = await placeFor(email, { card: 'declined' });
    await shop.shows('notifications', `/mails/${orderId}.order-cancelled`, { status: 'deferred' });
    await shop.apps.notifications.end('SIGKILL');
    await mailbox.start();
    await shop.apps.notifications.start();
    await isSent(orderId, 'order-cancelled');
    expect(subjectsTo(email)).toEqual([`Your order ${orderId} is cancelled`]);
  }, 120_000);
});

describe('lists', () => {
  it('page through the orders of a customer, the newest first', async () => {
    const sku = await stocked(50);
    const customerId = `c-${randomUUID()}`;
    const placed: string[] = [];
    for (let i = 0; i < 5; i++) {
      const { body } = await shop.post<{ orderId: string }>('orders', '/orders', {
        ...orderBody(sku),
        customerId,
      });
      placed.push(body.orderId);
      await shop.shows('orders', `/orders/${body.orderId}`, { orderId: body.orderId });
    }
    const seen: string[] = [];
    let cursor = '';
    do {
      const { body } = await shop.get<{ items: { orderId: string }[]; next?: string }>(
        'orders',
        `/orders?customerId=${customerId}&limit=2${cursor && `&cursor=${cursor}`}`,
      );
      seen.push(...body.items.map(({ orderId }) => orderId));
      cursor = body.next ?? '';
    } while (cursor);
    expect(seen).toEqual(placed.reverse());
  });
});

describe('bad input', () => {
  const order = orderBody('x');

  it.each([
    ['malformed JSON', '{', 400, 'BAD_REQUEST'],
    ['no body', {}, 400, 'INVALID_REQUEST'],
    ['no lines', { ...order, lines: [] }, 400, 'INVALID_REQUEST'],
    ['a line without a price', { ...order, lines: [{ sku: 'x', quantity: 1 }] }, 400, 'INVALID_REQUEST'],
    ['half a piece', { ...order, lines: [{ ...order.lines[0], quantity: 0.5 }] }, 400, 'INVALID_REQUEST'],
    ['an address without a city', { ...order, shipTo: { ...order.shipTo, city: '' } }, 400, 'INVALID_REQUEST'],
    ['an e-mail address that is none', { ...order, email: 'nobody' }, 400, 'INVALID_REQUEST'],
    ['an unknown field', { ...order, discount: 100 }, 400, 'INVALID_REQUEST'],
    ['an id that is no id', { ...order, orderId: 'a b' }, 400, 'INVALID_REQUEST'],
    [
      'two currencies',
      { ...order, lines: [...order.lines, { sku: 'y', quantity: 1, unitPrice: { amount: 1, currency: 'USD' } }] },
      400,
      'ORDER_INVALID',
    ],
  ])('%s is a problem and appends nothing', async (_, body, status, code) => {
    const before = await shop.countEvents('OrderPlaced');
    const answer = await shop.post('orders', '/orders', body);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(answer.body).toMatchObject({ status, code, title: expect.any(String), detail: expect.any(String) });
    expect(answer.status).toBe(status);
    expect(await shop.countEvents('OrderPlaced')).toBe(before);
  });

  it.each([
    ['an unknown route', 'GET', '/nowhere', 404, 'NOT_FOUND'],
    ['an order that is not there', 'GET', '/orders/nobody', 404, 'NOT_FOUND'],
    ['a command on an order that is not there', 'POST', '/orders/nobody/cancellation', 404, 'ORDER_NOT_FOUND'],
    ['a broken cursor', 'GET', '/orders?customerId=c-1&cursor=abc', 400, 'NESTJS_INVALID_CURSOR'],
    ['a limit that is too high', 'GET', '/orders?customerId=c-1&limit=1000', 400, 'INVALID_REQUEST'],
  ])('%s is a problem', async (_, method, path, status, code) => {
    const answer =
      method === 'GET' ? await shop.get('orders', path) : await shop.post('orders', path, { reason: 'why not' });
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(answer.body).toMatchObject({ status, code });
    expect(answer.status).toBe(status);
  });

  it('offers OpenAPI in every app', async () => {
    for (const app of appNames) {
      const { status, body } = await shop.get(app, '/docs-json');
      expect(status).toBe(200);
      expect(body['openapi']).toMatch(/^3\./);
    }
  });
});
