/** What the gateway does when a context behind it is slow, flapping, down, and comes back. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '@annals/testing';
import { asCustomer, GatewayBed } from './gateway-bed.js';

let bed: GatewayBed;
beforeAll(async () => {
  bed = await GatewayBed.start({
    GATEWAY_RATE_LIMIT: '0',
    RESILIENCE_PAYMENTS_TIMEOUT_MS: '300',
    RESILIENCE_PAYMENTS_CIRCUIT_OPEN_MS: '700',
    RESILIENCE_PAYMENTS_RETRY_TRIES: '1',
    RESILIENCE_SHIPPING_BULKHEAD_LIMIT: '2',
    RESILIENCE_SHIPPING_BULKHEAD_QUEUE: '1',
    RESILIENCE_INVENTORY_RETRY_TRIES: '4',
    RESILIENCE_INVENTORY_RETRY_FIRST_MS: '1',
  });
});
afterAll(() => bed?.stop());
beforeEach(async () => {
  for (const context of Object.values(bed.contexts)) await context.behaves({ kind: 'well', body: { well: true } });
  // A circuit that a test has opened is closed again before the next.
  await eventually(async () => {
    if ((await bed.circuitOf('payments')) === 'closed') return true;
    await bed.get('/api/payments/o-1');
    return false;
  });
});

const codes = (answers: readonly { readonly body: Record<string, unknown> }[]) =>
  answers.map(({ body }) => body['code']);
const ask = (path: string, times: number) => Promise.all(Array.from({ length: times }, () => bed.get(path)));

describe('a context that is slow', () => {
  it('costs its own callers the time limit, then nothing; and never the others', async () => {
    await bed.contexts.payments.behaves({ kind: 'hang' });
    for (let i = 0; i < 5; i++) expect((await bed.get('/api/payments/o-1')).status).toBe(504);
    const began = performance.now();
    const refused = await bed.get('/api/payments/o-1');
    expect([refused.status, refused.body['code']]).toEqual([503, 'CIRCUIT_OPEN']);
    expect(performance.now() - began).toBeLessThan(250);
    expect(Number(refused.headers.get('retry-after'))).toBe(1);
    expect(Date.parse(String(refused.body['nextTryAt']))).toBeGreaterThan(Date.now() - 700);
    expect((await bed.get('/api/orders/o-1')).status).toBe(200);
  });

  it('takes up no more than its bulkhead: who finds no room hears it at once', async () => {
    await bed.contexts.shipping.behaves({ kind: 'slow', ms: 1_000 });
    const answers = await ask('/api/shipments/o-1', 8);
    expect((await bed.contexts.shipping.saw()).most).toBe(2);
    const refused = answers.filter(({ status }) => status !== 200);
    expect(new Set(codes(refused))).toEqual(new Set(['BULKHEAD_FULL']));
    expect(await bed.circuitOf('shipping')).toBe('closed');
  });
});

describe('a context that is flapping', () => {
  it('is asked again for what can be asked again: readers see nothing of it', async () => {
    await bed.contexts.inventory.behaves({ kind: 'flapping', every: 3, body: { sku: 'tea' } });
    for (let i = 0; i < 12; i++) expect((await bed.get('/api/stock/tea')).status).toBe(200);
    expect((await bed.contexts.inventory.saw()).seen.length).toBeGreaterThan(12);
  });

  it('gets a command but once: whether it was carried out is not known', async () => {
    await bed.contexts.inventory.behaves({ kind: 'break' });
    const { status, body } = await bed.request('/api/stock/tea/receipts', {
      method: 'POST',
      body: '{}',
      headers: { 'idempotency-key': 'k' },
    });
    expect([status, body['code']]).toEqual([502, 'DEPENDENCY_UNREACHABLE']);
    expect((await bed.contexts.inventory.saw()).seen).toHaveLength(1);
  });
});

describe('a context that is down', () => {
  it('is left alone, tried again after its time, and served again once it is well', async () => {
    const { payments } = bed.contexts;
    await payments.down();
    await eventually(async () => {
      const { status } = await bed.get('/api/payments/o-1');
      if (status === 502) return false;
      expect(status).toBe(503);
      return true;
    });
    expect(await bed.circuitOf('payments')).toBe('open');

    // A try that fails opens it again.
    await eventually(async () => (await bed.circuitOf('payments')) === 'half-open');
    expect((await bed.get('/api/payments/o-1')).status).toBe(502);
    expect((await bed.get('/api/payments/o-1')).body['code']).toBe('CIRCUIT_OPEN');

    await payments.up();
    await eventually(async () => (await bed.circuitOf('payments')) === 'half-open');
    expect((await bed.get('/api/payments/o-1')).status).toBe(200);
    expect(await bed.circuitOf('payments')).toBe('half-open');
    expect((await bed.get('/api/payments/o-1')).status).toBe(200);
    expect(await bed.circuitOf('payments')).toBe('closed');
  });

  it('takes nobody along: under 256 connections all others are answered', async () => {
    await bed.contexts.payments.down();
    const paths = ['/api/orders/o-1', '/api/stock/tea', '/api/payments/o-1', '/api/reservations/o-1'];
    const answers = await Promise.all(
      Array.from({ length: 256 }, async (_, client) => {
        const statuses: number[] = [];
        for (let i = 0; i < 3; i++) statuses.push((await bed.get(paths[(client + i) % 4] ?? '')).status);
        return statuses.map((status, i) => ({ path: paths[(client + i) % 4], status }));
      }),
    );
    await bed.contexts.payments.up();
    for (const { path, status } of answers.flat())
      if (path === '/api/payments/o-1') expect([502, 503, 504]).toContain(status);
      else expect({ path, status }).toEqual({ path, status: 200 });
  });
});

describe('the details of an order', () => {
  const details = (headers = {}) =>
    bed.get<Record<string, { well?: boolean } | null>>('/api/orders/o-1/details', headers);

  it('are of all contexts, with what does not exist as null', async () => {
    await bed.contexts.shipping.behaves({ kind: 'status', status: 404 });
    expect(await details()).toMatchObject({
      status: 200,
      body: {
        order: { well: true },
        payment: { well: true },
        reservation: { well: true },
        shipment: null,
        unavailable: [],
      },
    });
  });

  it('are asked for by the customer, whose order it must be, and the parts by the shop', async () => {
    const ann = await asCustomer('ann');
    expect((await details(ann)).status).toBe(200);
    const authorizationOf = async (name: keyof GatewayBed['contexts']) =>
      (await bed.contexts[name].saw()).seen.find(({ url }) => url.endsWith('/o-1'))?.headers['authorization'];
    expect(await authorizationOf('orders')).toBe(ann.authorization);
    const [, claims = ''] = (await authorizationOf('payments'))?.split('.') ?? [];
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({
      sub: 'service:gateway',
      roles: ['service'],
    });
  });

  it('come within the deadline, without the parts that fail, which are named', async () => {
    await bed.contexts.payments.behaves({ kind: 'hang' });
    await bed.contexts.inventory.behaves({ kind: 'status', status: 500 });
    const began = performance.now();
    const { status, body } = await details();
    expect(performance.now() - began).toBeLessThan(3_500);
    expect([status, body]).toEqual([
      200,
      {
        order: { well: true },
        payment: null,
        reservation: null,
        shipment: { well: true },
        unavailable: [
          { part: 'payment', code: 'DEPENDENCY_TIMEOUT' },
          { part: 'reservation', code: 'DEPENDENCY_FAILED' },
        ],
      },
    ]);
  });

  it('of no order are 404; of one that cannot be had, the reason', async () => {
    await bed.contexts.orders.behaves({ kind: 'status', status: 404 });
    expect((await details()).status).toBe(404);
    await bed.contexts.orders.behaves({ kind: 'status', status: 403 });
    expect(await details()).toMatchObject({ status: 403, body: { code: 'NOT_NOW' } });
    await bed.contexts.orders.behaves({ kind: 'status', status: 500 });
    expect(await details()).toMatchObject({ status: 503, body: { code: 'DEPENDENCY_FAILED' } });
  });

  it('pass read-your-writes tokens on to every context, and say how far behind the order is', async () => {
    await bed.contexts.orders.behaves({ kind: 'well', headers: { 'annals-lag': '40' } });
    const { headers } = await details({ 'annals-wait-for': '99', 'x-correlation-id': 'talk-9' });
    expect(headers.get('annals-lag')).toBe('40');
    for (const context of Object.values(bed.contexts)) {
      const [seen] = (await context.saw()).seen.filter(({ url }) => url.endsWith('/o-1'));
      expect(seen?.headers).toMatchObject({ 'annals-wait-for': '99', 'x-correlation-id': 'talk-9' });
    }
  });
});
