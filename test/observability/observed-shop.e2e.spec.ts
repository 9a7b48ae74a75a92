/** The shop as those see it who look at it: one trace over all contexts, as a collector gets it, and its metrics. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { freePort } from '@annals/embedded';
import { localToken } from '@annals/nestjs';
import { eventually } from '@annals/testing';
import { AppProcess } from '../shop/app-process.js';
import { orderBody, Shop } from '../shop/shop.js';
import { metricsIn, metricsOfDashboard } from './dashboard.js';
import { OtlpCollector, type CollectedSpan } from './otlp-collector.js';

let collector: OtlpCollector;
let shop: Shop;
let gateway: AppProcess;
beforeAll(async () => {
  collector = await OtlpCollector.start();
  const telemetry = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_BSP_SCHEDULE_DELAY: '100', LOG_LEVEL: 'trace' };
  shop = await Shop.start('nats', telemetry);
  const urls: Record<string, string> = {};
  for (const { name, url } of Object.values(shop.apps)) urls[`${name.toUpperCase()}_URL`] = url;
  const port = await freePort();
  gateway = new AppProcess('gateway', { ...urls, ...telemetry, PORT: String(port) }, port);
  await gateway.start();
}, 180_000);
afterAll(async () => {
  await gateway.end('SIGTERM');
  await shop.stop();
  await collector.stop();
});

const named = ({ service, name }: CollectedSpan) => `${service}: ${name}`;

describe('the trace of an order', () => {
  it('begins at the gateway and covers request, command, append, projection, messages, sagas and mail in all contexts', async () => {
    await shop.receiveStock('tea', 3);
    const token = await localToken({ subject: 'tester', roles: ['operator'] }, 60);
    const answer = await fetch(`${gateway.url}/api/orders`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        'x-correlation-id': 'traced-order',
      },
      body: JSON.stringify(orderBody('tea')),
    });
    const { orderId } = (await answer.json()) as { orderId: string };
    await shop.shows('orders', `/orders/${orderId}`, { status: 'confirmed', shipment: 'delivered' });
    const expected = [
      'orders: POST /orders',
      'orders: command PlaceOrder',
      'orders: append',
      'orders: fold order-summary',
      'orders: saga order-fulfilment',
      'orders: send inventory.reserve-stock.v1',
      'inventory: process inventory.reserve-stock.v1',
      'inventory: command ReserveStock',
      'inventory: fold reservation',
      'inventory: send inventory.stock-reserved.v1',
      'orders: process inventory.stock-reserved.v1',
      'payments: process payments.take-payment.v1',
      'payments: fold payment',
      'shipping: process shipping.arrange-shipment.v1',
      'shipping: send shipping.shipment-arranged.v1',
      'orders: command ConfirmOrder',
      'orders: send orders.order-confirmed.v1',
      'notifications: process orders.order-confirmed.v1',
      'notifications: saga mail-delivery',
      'notifications: command SendMail',
      'notifications: send mail',
      'notifications: fold mail',
    ];
    const trace = await eventually(
      () => {
        const spans = collector.traceWith('annals.correlation_id', 'traced-order');
        expect(spans.map(named)).toEqual(expect.arrayContaining(expected));
        return spans;
      },
      { within: 15_000, every: 100 },
    );
    expect(new Set(trace.map(({ traceId }) => traceId)).size).toBe(1);
    const spanIds = new Set(trace.map(({ spanId }) => spanId));
    const beginnings = trace.filter(({ parentSpanId }) => !spanIds.has(parentSpanId));
    expect(beginnings.map(named)).toEqual([expect.stringMatching(/^gateway: POST \/api\/orders/)]);
  });

  it('goes on with the trace that the request came in', async () => {
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    await shop.get('orders', '/orders?customerId=nobody', { traceparent: `00-${traceId}-00f067aa0ba902b7-01` });
    await eventually(
      () => expect(collector.spans).toContainEqual(expect.objectContaining({ traceId, name: 'GET /orders' })),
      { within: 5_000, every: 50 },
    );
  });

  it('is not made by what machines ask for', () => {
    expect(collector.spans.filter(({ name }) => name.includes('/health'))).toEqual([]);
  });
});

describe('metrics', () => {
  const scrape = async ({ url }: { readonly url: string }): Promise<string> => (await fetch(`${url}/metrics`)).text();

  it('are served for Prometheus, by names of the conventions', async () => {
    const text = await scrape(shop.apps.orders);
    expect(text).toMatch(/^http_server_request_duration_seconds_count\{.*http_route="\/orders".*\} 1$/m);
    expect(text).toMatch(/^annals_command_duration_seconds_count\{.*command="PlaceOrder",outcome="ok".*\} 1$/m);
    expect(text).toMatch(/^annals_projection_state\{.*read_model="order-summary",state="live".*\} 1$/m);
    expect(text).toMatch(/^annals_dead_letters\{.*context="orders".*\} 0$/m);
    expect(text).toMatch(/^annals_outbox_lag_seconds\{.*\} 0$/m);
  });

  it('are all that the dashboard asks for', async () => {
    // A saga that has not ended, so that its state can be told.
    await shop.parts.stopNats();
    await shop.placeOrder({ sku: 'tea' });
    const wanted = await metricsOfDashboard();
    expect(wanted.length).toBeGreaterThan(15);
    const exported = async () =>
      (await Promise.all([gateway, ...Object.values(shop.apps)].map(scrape))).flatMap(metricsIn);
    await eventually(async () => expect(await exported()).toContain('annals_saga_instances'), { within: 10_000 });
    const known = new Set(await exported());
    expect(wanted.filter((metric) => !known.has(metric))).toEqual([]);
    expect(await scrape(shop.apps.orders)).toMatch(/^annals_saga_instances\{.*state="running".*\} 1$/m);
  });
});

describe('logs', () => {
  it('of all that happened hold no secrets and no personal data', () => {
    const { shipTo, email, cardNumber } = orderBody('tea');
    for (const app of [gateway, ...Object.values(shop.apps)]) {
      expect(app.lastOutput).toContain('"level":');
      for (const personal of [shipTo.name, shipTo.street, email, cardNumber, 'eyJ'])
        expect(app.lastOutput).not.toContain(personal);
    }
  });
});

describe('a rebuild', () => {
  it('makes no spans', async () => {
    const before = collector.spans.filter(({ name }) => name === 'fold order-summary').length;
    await shop.post('orders', '/admin/projections/order-summary/rebuild', {});
    await eventually(
      async () => {
        const { body } = await shop.get<{ state: string; build: number }>('orders', '/admin/projections/order-summary');
        expect(body).toMatchObject({ state: 'live', build: 2 });
      },
      { within: 15_000, every: 50 },
    );
    // The app ends by sending every span that it has not sent yet.
    await shop.apps.orders.end('SIGTERM');
    expect(collector.spans.filter(({ name }) => name === 'fold order-summary')).toHaveLength(before);
  });
});
