/**
 * The OWASP API Security Top 10 of 2023, tried by name on the running shop, behind its gateway and around it: contexts must
 * hold by themselves, because a gateway can be gone round. https://owasp.org/API-Security/editions/2023/en/0x11-t10/
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { freePort } from '@annals/embedded';
import { eventually } from '@annals/testing';
import { connect as connectNats, headers as natsHeaders } from '@nats-io/transport-node';
import { AppProcess } from '../shop/app-process.js';
import { orderBody, Shop, testCards, type AppName } from '../shop/shop.js';
import { bearer, forgeries, sendRaw } from './attacker.js';

let shop: Shop;
let gateway: AppProcess;
/** Would be asked by whoever believes what a request says about itself. */
let trap: Server;
let trapUrl: string;
let trapped = 0;
let ann: Record<string, string>;
let bob: Record<string, string>;
let service: Record<string, string>;

beforeAll(async () => {
  trap = createServer((_, response) => (trapped++, response.end('{"keys":[]}'))).listen(0, '127.0.0.1');
  await once(trap, 'listening');
  trapUrl = `http://127.0.0.1:${(trap.address() as AddressInfo).port}/keys`;
  shop = await Shop.start('nats', { LOG_LEVEL: 'trace' });
  const urls = Object.values(shop.apps).map(({ name, url }) => [`${name.toUpperCase()}_URL`, url] as const);
  const port = await freePort();
  gateway = new AppProcess(
    'gateway',
    { ...(Object.fromEntries(urls) as Record<string, string>), PORT: String(port), LOG_LEVEL: 'trace' },
    port,
  );
  await gateway.start();
  [ann, bob] = [await bearer('c-ann', 'customer'), await bearer('c-bob', 'customer')];
  service = await bearer('service:gateway', 'service');
  await shop.receiveStock('tea', 1_000);
}, 180_000);
afterAll(async () => {
  await gateway?.end('SIGTERM');
  await shop?.stop();
  trap?.close();
});

interface Told {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: Record<string, unknown>;
}

async function call(
  url: string,
  method: string,
  path: string,
  headers: Record<string, string>,
  body?: unknown,
): Promise<Told> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') ?? false;
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: isJson ? (JSON.parse(text) as Told['body']) : {},
  };
}
const urlOf = (app: AppName | 'gateway') => (app === 'gateway' ? gateway.url : shop.apps[app].url);
const ask = (
  app: AppName | 'gateway',
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: unknown,
) => call(urlOf(app), method, path, headers, body);

const own = ({ customerId: _, ...order }: ReturnType<typeof orderBody>) => order;

async function placed(headers: Record<string, string>, more: object = {}, key = randomUUID()): Promise<string> {
  const { status, body, text } = await ask(
    'orders',
    'POST',
    '/orders',
    { ...headers, 'idempotency-key': key },
    { ...own(orderBody('tea')), ...more },
  );
  if (status !== 201) throw new Error(text);
  const orderId = String(body['orderId']);
  await shop.shows('orders', `/orders/${orderId}`, { orderId });
  return orderId;
}

/** Every operation that an app documents: method and path, with something in place of parameters. */
async function operationsOf(app: AppName | 'gateway'): Promise<(readonly [string, string])[]> {
  const { body } = await ask(app, 'GET', '/docs-json');
  const paths = body['paths'] as Record<string, Record<string, unknown>>;
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => [method.toUpperCase(), path.replaceAll(/\{\w+\}/g, 'x')] as const),
  );
}
const allApps: readonly AppName[] = ['orders', 'inventory', 'payments', 'shipping', 'notifications'];
/** Known by other means: the carrier by its signature. */
const withoutToken = ['POST /carrier-reports', 'POST /api/carrier-reports'];

describe('API1:2023 broken object level authorization', () => {
  it("shows and cancels nobody else's order; it is answered like one that does not exist", async () => {
    const orderId = await placed(ann);
    const [path, nowhere] = [`/orders/${orderId}`, '/orders/no-such-order'];
    expect((await ask('orders', 'GET', path, ann)).body).toMatchObject({ orderId, customerId: 'c-ann' });
    const same = ({ status, body: { code, title } }: Told) => ({ status, code, title });
    for (const [app, prefix] of [
      ['orders', ''],
      ['gateway', '/api'],
    ] as const) {
      const theirs = await ask(app, 'GET', prefix + path, bob);
      expect(same(theirs)).toEqual({ ...same(await ask(app, 'GET', prefix + nowhere, bob)), status: 404 });
      expect(theirs.text).not.toContain('c-ann');
      for (const more of [{}, { 'if-match': '"99"' }, { 'if-match': '"0"' }]) {
        const headers = { ...bob, ...more };
        const cancelled = await ask(app, 'POST', `${prefix}${path}/cancellation`, headers, { reason: 'mischief' });
        const ofNone = await ask(app, 'POST', `${prefix}${nowhere}/cancellation`, bob, { reason: 'mischief' });
        expect(same(cancelled)).toEqual({ ...same(ofNone), status: 404 });
      }
    }
    expect((await ask('gateway', 'GET', `/api${path}/details`, bob)).status).toBe(404);
    expect((await ask('gateway', 'GET', `/api${path}/details`, ann)).body).toMatchObject({ order: { orderId } });
    expect(await shop.eventTypes(`order-${orderId}`)).not.toContain('OrderCancelled');
  });

  it('lists own orders alone, whatever the query and the cursor say', async () => {
    const [anns, bobs] = [await placed(ann), await placed(bob)];
    const idsOf = ({ body }: Told) =>
      (body['items'] as { orderId: string; customerId: string }[]).map(({ orderId }) => orderId);
    expect(idsOf(await ask('orders', 'GET', '/orders', ann))).toContain(anns);
    expect(idsOf(await ask('orders', 'GET', '/orders?limit=200', ann))).not.toContain(bobs);
    expect((await ask('orders', 'GET', '/orders?customerId=c-bob', ann)).status).toBe(403);
    const { body } = await ask('orders', 'GET', '/orders?limit=1', bob);
    const { next } = body as { readonly next?: string };
    if (next !== undefined)
      expect(idsOf(await ask('orders', 'GET', `/orders?cursor=${next}`, ann))).not.toContain(bobs);
    for (const query of [
      'customerId=c-ann&customerId=c-bob',
      'customerId[]=c-bob',
      'customerId[$ne]=x',
      "customerId=c-ann'--",
    ])
      expect((await ask('orders', 'GET', `/orders?${query}`, ann)).status).toBeGreaterThanOrEqual(400);
  });

  it('places orders for nobody else, takes over no id, and gives no result for the key of somebody else', async () => {
    expect((await ask('orders', 'POST', '/orders', ann, { ...orderBody('tea'), customerId: 'c-bob' })).status).toBe(
      403,
    );
    const key = randomUUID();
    const orderId = await placed(ann, {}, key);
    expect(await placed(ann, {}, key)).toBe(orderId);
    expect(await placed(bob, {}, key)).not.toBe(orderId);
    const taken = await ask('orders', 'POST', '/orders', bob, { ...own(orderBody('tea')), orderId });
    expect([taken.status, taken.body['code']]).toEqual([409, 'ORDER_ID_TAKEN']);
  });

  it('tells customers nothing of payments, reservations and shipments by themselves', async () => {
    const orderId = await placed(ann);
    for (const [app, path] of [
      ['payments', '/payments'],
      ['inventory', '/reservations'],
      ['shipping', '/shipments'],
    ] as const)
      for (const [asked, prefix] of [
        [app, ''],
        ['gateway', '/api'],
      ] as const)
        expect((await ask(asked, 'GET', `${prefix}${path}/${orderId}`, ann)).status).toBe(403);
  });
});

describe('API2:2023 broken authentication', () => {
  it('every operation of every app needs a token', async () => {
    for (const app of [...allApps, 'gateway'] as const)
      for (const [method, path] of await operationsOf(app)) {
        if (withoutToken.includes(`${method} ${path}`)) continue;
        const { status, headers } = await ask(app, method, path);
        expect([app, method, path, status, headers.get('www-authenticate')]).toEqual([
          app,
          method,
          path,
          401,
          'Bearer realm="annals"',
        ]);
      }
  });

  it('a token that nobody issued is refused everywhere', async () => {
    for (const { what, token } of await forgeries(trapUrl))
      for (const [app, path] of [
        ['orders', '/admin/projections'],
        ['inventory', '/stock/tea'],
        ['gateway', '/api/orders'],
      ] as const) {
        const { status, body } = await ask(app, 'GET', path, { authorization: `Bearer ${token}` });
        expect([what, app, status, body['code']]).toEqual([what, app, 401, 'NESTJS_INVALID_TOKEN']);
      }
  });

  it('a token counts in its header alone', async () => {
    const token = (ann['authorization'] ?? '').slice('Bearer '.length);
    for (const headers of [
      { cookie: `token=${token}; access_token=${token}` },
      { 'x-access-token': token },
      { authorization: `Token ${token}` },
    ])
      expect((await ask('orders', 'GET', `/orders?access_token=${token}`, headers)).status).toBe(401);
  });
});

describe('API3:2023 broken object property level authorization', () => {
  it.each(['status', 'total', 'paymentMethod', 'placedAt', 'payWithin', '__proto__'])(
    'nobody sets %s',
    async (property) => {
      const text = JSON.stringify(own(orderBody('tea'))).replace(/^\{/, `{"${property}":{"amount":0},`);
      expect((await ask('orders', 'POST', '/orders', ann, text)).status).toBe(400);
    },
  );

  it('nobody sets what all objects have in common', async () => {
    const text = JSON.stringify(own(orderBody('tea'))).replace(
      /^\{/,
      '{"constructor":{"prototype":{"roles":["operator"]}},',
    );
    expect((await ask('orders', 'POST', '/orders', ann, text)).status).toBe(400);
  });

  it('answers hold what they are documented to hold: no card, no token of it', async () => {
    const orderId = await placed(ann);
    const seen = [
      await ask('orders', 'GET', `/orders/${orderId}`, ann),
      await ask('orders', 'GET', '/orders', ann),
      await ask('gateway', 'GET', `/api/orders/${orderId}/details`, ann),
      await ask('payments', 'GET', '/payments', await bearer('op', 'operator')),
    ];
    for (const { status, text } of seen) {
      expect(status).toBe(200);
      expect(text).not.toMatch(/paymentMethod|tok_|cardNumber|4242424242/i);
    }
  });
});

describe('API4:2023 unrestricted resource consumption', () => {
  it.each<[string, number[], () => Promise<{ readonly status: number }>]>([
    [
      'a body of 2 MiB',
      [413],
      () => ask('orders', 'POST', '/orders', ann, JSON.stringify({ x: 'x'.repeat(2 * 1024 * 1024) })),
    ],
    [
      'an order of 201 lines',
      [400],
      () =>
        ask('orders', 'POST', '/orders', ann, {
          ...own(orderBody('tea')),
          lines: Array(201).fill(orderBody('tea').lines[0]),
        }),
    ],
    [
      'JSON a hundred thousand deep',
      [400],
      () => ask('orders', 'POST', '/orders', ann, `${'['.repeat(100_000)}${']'.repeat(100_000)}`),
    ],
    ['a page of 201', [400], () => ask('orders', 'GET', '/orders?limit=201', ann)],
    ['a page of -1', [400], () => ask('orders', 'GET', '/orders?limit=-1', ann)],
    ['an id of 5,000 letters', [400, 404, 414], () => ask('orders', 'GET', `/orders/${'x'.repeat(5_000)}`, ann)],
    ['headers of 64 KiB', [431], () => ask('orders', 'GET', '/orders', { ...ann, 'x-much': 'x'.repeat(64 * 1024) })],
    [
      'an idempotency key of 300 letters',
      [400],
      () => ask('orders', 'POST', '/orders', { ...ann, 'idempotency-key': 'k'.repeat(300) }, own(orderBody('tea'))),
    ],
    [
      'a reason of 10,000 letters',
      [400],
      () => ask('orders', 'POST', '/orders/x/cancellation', ann, { reason: 'x'.repeat(10_000) }),
    ],
  ])('%s is refused', async (_, statuses, attempt) => {
    expect(statuses).toContain((await attempt()).status);
  });
});

describe('API5:2023 broken function level authorization', () => {
  it("an operator's functions are no customer's and no service's", async () => {
    for (const app of [...allApps, 'gateway'] as const) {
      const admin = (await operationsOf(app)).filter(([, path]) => path.startsWith('/admin'));
      if (app !== 'gateway') expect(admin.length).toBeGreaterThan(10);
      for (const [method, path] of admin)
        for (const headers of [ann, service]) {
          const { status, headers: answered } = await ask(app, method, path, headers);
          expect([app, method, path, status]).toEqual([app, method, path, 403]);
          expect(answered.get('www-authenticate')).toBe('Bearer realm="annals", error="insufficient_scope"');
        }
    }
    for (const path of [
      '/admin/strangler',
      '/health/contexts',
      '/api/admin/projections',
      '/api/orders/../admin/projections',
    ])
      expect((await ask('gateway', 'GET', path, ann)).status).toBeGreaterThanOrEqual(400);
  });

  it('a customer receives no stock and pays nothing back, and a service only reads', async () => {
    for (const headers of [ann, service]) {
      expect((await ask('inventory', 'POST', '/stock/tea/receipts', headers, { quantity: 1 })).status).toBe(403);
      expect((await ask('payments', 'POST', '/payments/x/refund', headers, { reason: 'x' })).status).toBe(403);
    }
    expect((await ask('orders', 'POST', '/orders', service, orderBody('tea'))).status).toBe(403);
  });

  it('another method or another way to write a path leads nowhere', async () => {
    for (const [method, path] of [
      ['PUT', '/admin/projections/order-summary/rebuild'],
      ['GET', '/Admin/projections'],
      ['GET', '/admin/../admin/projections'],
      ['GET', '//admin/projections'],
      ['GET', '/admin/projections/'],
      ['GET', '/admin%2fprojections'],
    ] as const)
      expect((await ask('orders', method, path, ann)).status).toBeGreaterThanOrEqual(400);
    const overridden = {
      ...ann,
      'x-http-method-override': 'POST',
      'x-original-url': '/admin/projections',
      'x-rewrite-url': '/admin/projections',
    };
    expect((await ask('orders', 'GET', '/orders', overridden)).body).toHaveProperty('items');
  });
});

describe('API6:2023 unrestricted access to sensitive business flows', () => {
  it('the same order many times at once is one order, paid once', async () => {
    const headers = { ...ann, 'idempotency-key': randomUUID() };
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => ask('orders', 'POST', '/orders', headers, own(orderBody('tea')))),
    );
    const ids = new Set(answers.map(({ body }) => String(body['orderId'])));
    expect([...new Set(answers.map(({ status }) => status)), ids.size]).toEqual([201, 1]);
    const [orderId = ''] = ids;
    await shop.settled(orderId);
    expect(await shop.eventTypes(`payment-${orderId}`)).toEqual(['PaymentTaken']);
  });

  it('nobody but the carrier reports a delivery', async () => {
    const report = { reference: 'shipment-x', status: 'delivered' };
    for (const signature of ['', 'a'.repeat(64), 'ä'.repeat(64), '0'])
      expect(
        (
          await ask(
            'shipping',
            'POST',
            '/carrier-reports',
            { ...ann, 'carrier-signature': encodeURIComponent(signature) },
            report,
          )
        ).status,
      ).toBeGreaterThanOrEqual(400);
  });
});

describe('API7:2023 server side request forgery', () => {
  it('nothing is fetched because a request or a token says so', async () => {
    const { host } = new URL(trapUrl);
    const authorization = `authorization: ${ann['authorization'] ?? ''}\r\nconnection: close\r\n\r\n`;
    await sendRaw(gateway.url, `GET ${trapUrl} HTTP/1.1\r\nhost: ${host}\r\n${authorization}`);
    await sendRaw(
      gateway.url,
      `GET /api/orders HTTP/1.1\r\nhost: ${host}\r\nx-forwarded-host: ${host}\r\n${authorization}`,
    );
    await sendRaw(gateway.url, `GET /api/orders/@${host}/ HTTP/1.1\r\nhost: x\r\n${authorization}`);
    await ask('gateway', 'GET', `/api/orders/${encodeURIComponent(trapUrl)}`, ann);
    for (const { token } of await forgeries(trapUrl))
      await ask('orders', 'GET', '/orders', { authorization: `Bearer ${token}` });
    expect(trapped).toBe(0);
  });
});

describe('API8:2023 security misconfiguration', () => {
  it('errors tell nothing of the inside', async () => {
    const attempts = [
      await ask('orders', 'POST', '/orders', ann, '{"a":'),
      await ask(
        'orders',
        'POST',
        '/orders',
        { ...ann, 'content-type': 'text/xml' },
        '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>',
      ),
      await ask('orders', 'GET', '/orders/%00', ann),
      await ask('orders', 'GET', `/orders/${encodeURIComponent("x' or '1'='1")}`, ann),
      await ask('orders', 'GET', '/orders?cursor=%00', ann),
      await ask(
        'orders',
        'GET',
        `/orders?cursor=${Buffer.from(`["x'; drop table annals.read_model; --","x"]`).toString('base64url')}`,
        ann,
      ),
      await ask('inventory', 'GET', "/stock/x';select pg_sleep(9)--", ann),
      await ask('gateway', 'GET', '/api/nowhere', ann),
    ];
    for (const { status, headers, text } of attempts) {
      expect(status).toBeGreaterThanOrEqual(400);
      expect(headers.get('content-type')).toContain('application/problem+json');
      expect(text).not.toMatch(/node_modules|\.[jt]s:\d|\bat \w+ \(|select .* from|QueryFailedError|root:/i);
    }
    expect((await shop.get('orders', '/admin/projections')).status).toBe(200);
  });

  it('says nothing of what it runs on, and has the headers that browsers heed', async () => {
    for (const app of ['orders', 'gateway'] as const) {
      const { headers } = await ask(app, 'GET', app === 'orders' ? '/orders' : '/api/orders', {
        ...ann,
        origin: 'https://evil.example',
      });
      for (const name of ['server', 'x-powered-by', 'access-control-allow-origin'])
        expect([name, headers.get(name)]).toEqual([name, null]);
    }
    const { headers } = await ask('gateway', 'GET', '/api/orders', ann);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('strict-transport-security')).toContain('max-age');
    expect(await sendRaw(urlOf('orders'), 'TRACE /orders HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 (400|404|405|501) /,
    );
  });

  it('an app that trusts nobody does not start where others can reach it', async () => {
    const alone = new AppProcess('orders', { HOST: '0.0.0.0', PORT: String(await freePort()), AUTH_KEY_FILE: '' }, 0);
    alone.begin();
    await eventually(() => alone.lastOutput.includes('AUTH_JWKS_URL'), { within: 20_000 });
    expect(alone.lastOutput).toMatch(/HOST=0\.0\.0\.0 can be reached from elsewhere/);
    await eventually(() => alone.exitCode === 1, { within: 10_000 });
  });

  it('no token, card number, address or mail gets into a log', async () => {
    const orderId = await placed(ann, { email: 'secret.person@example.com' });
    await shop.settled(orderId);
    await ask('orders', 'GET', `/orders?access_token=${(ann['authorization'] ?? '').slice(7)}`, ann);
    await ask('orders', 'POST', '/orders', ann, {
      ...own(orderBody('tea')),
      cardNumber: testCards.accepted,
      shipTo: 7,
    });
    for (const { name, lastOutput } of [...Object.values(shop.apps), gateway]) {
      expect([name, lastOutput.length > 0]).toEqual([name, true]);
      expect([name, /eyJ[\w-]{10,}\.|secret\.person|4242424242|Hauptstra|Lovelace/.exec(lastOutput)?.[0]]).toEqual([
        name,
        undefined,
      ]);
    }
  });
});

describe('API9:2023 improper inventory management', () => {
  it("the gateway shows the contexts' routes under /api and nothing else of them", async () => {
    for (const [, path] of await operationsOf('gateway')) expect(path).toMatch(/^\/api\//);
    for (const path of [
      '/orders',
      '/stock/tea',
      '/payments',
      '/admin/projections',
      '/api/metrics',
      '/api/health/ready',
      '/api/docs-json',
    ])
      expect([path, (await ask('gateway', 'GET', path, await bearer('op', 'operator'))).status]).toEqual([path, 404]);
  });

  it('every context documents all that it serves', async () => {
    for (const app of allApps) {
      const paths = (await operationsOf(app)).map(([, path]) => path);
      for (const expected of ['/admin/projections', '/admin/messages'])
        expect([app, paths]).toEqual([app, expect.arrayContaining([expected])]);
    }
  });
});

describe('API10:2023 unsafe consumption of APIs', () => {
  it('a message that is not as its contract says has no effect, and is set aside', async () => {
    const nats = await connectNats({ servers: new URL(shop.parts.natsUrl).host });
    const orderId = `forged-${randomUUID()}`;
    const message = (data: object) => ({
      specversion: '1.0',
      id: randomUUID(),
      source: 'orders',
      type: 'payments.take-payment.v1',
      time: new Date().toISOString(),
      datacontenttype: 'application/json',
      correlationid: orderId,
      data,
    });
    const headers = natsHeaders();
    for (const data of [
      { orderId, amount: { amount: -5, currency: 'EUR' }, paymentMethod: 'tok_4242' },
      { orderId, __proto__: null },
      { orderId: { $ne: 1 } },
    ])
      nats.publish('commands.payments.take-payment.v1', JSON.stringify(message(data)), { headers });
    nats.publish('commands.payments.take-payment.v1', '{{{', { headers });
    await nats.flush();
    await eventually(async () => (await shop.get<unknown[]>('payments', '/admin/messages/dead')).body.length >= 4, {
      within: 20_000,
    });
    await nats.close();
    expect(await shop.eventTypes(`payment-${orderId}`)).toEqual([]);
    const good = await placed(ann);
    expect(await shop.settled(good)).toBe('confirmed');
  });
});
