/** What goes through the gateway, and what does not. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '@annals/testing';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { asCustomer, asOperator, GatewayBed } from './gateway-bed.js';
import type { Seen } from './misbehaving-context.js';

let bed: GatewayBed;
beforeAll(async () => {
  bed = await GatewayBed.start({ GATEWAY_CORS_ORIGINS: 'https://shop.example', RESILIENCE_PAYMENTS_TIMEOUT_MS: '300' });
});
afterAll(() => bed?.stop());
beforeEach(() => Promise.all(Object.values(bed.contexts).map((context) => context.behaves({ kind: 'well' }))));

describe('a request', () => {
  it('goes to its context with method, query and body, and comes back as it was answered', async () => {
    await bed.contexts.orders.behaves({
      kind: 'well',
      status: 201,
      body: { orderId: 'o-1' },
      headers: { location: '/orders/o-1' },
    });
    const answer = await bed.request('/api/orders?dry=1', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': 'k-1' },
      body: '{"a":1}',
    });
    expect(answer).toMatchObject({ status: 201, body: { orderId: 'o-1' } });
    expect(answer.headers.get('location')).toBe('/orders/o-1');
    expect(answer.headers.get('x-served-by')).toBe('orders');
    const [seen] = (await bed.contexts.orders.saw()).seen;
    expect(seen).toMatchObject({ method: 'POST', url: '/orders?dry=1', body: '{"a":1}' });
    expect(seen?.headers).toMatchObject({ 'idempotency-key': 'k-1', 'content-type': 'application/json' });
  });

  it('keeps its correlation id, or gets one', async () => {
    const kept = await bed.get<Seen>('/api/orders/o-1', { 'x-correlation-id': 'talk-1' });
    expect([kept.headers.get('x-correlation-id'), kept.body.headers['x-correlation-id']]).toEqual(['talk-1', 'talk-1']);
    const made = await bed.get<Seen>('/api/orders/o-1', { 'x-correlation-id': 'no good\tid' });
    expect(made.headers.get('x-correlation-id')).toMatch(/^[\da-f-]{36}$/);
    expect(made.body.headers['x-correlation-id']).toBe(made.headers.get('x-correlation-id'));
  });

  it('carries read-your-writes tokens both ways', async () => {
    await bed.contexts.orders.behaves({ kind: 'well', headers: { 'annals-position': '4711', 'annals-lag': '12' } });
    const { headers } = await bed.get('/api/orders/o-1', { 'annals-wait-for': '4711' });
    expect([headers.get('annals-position'), headers.get('annals-lag')]).toEqual(['4711', '12']);
    expect((await bed.contexts.orders.saw()).seen[0]?.headers).toMatchObject({ 'annals-wait-for': '4711' });
  });

  it('leaves headers of its connection, and what it says about where it came from, behind', async () => {
    await bed.contexts.orders.behaves({
      kind: 'well',
      headers: { connection: 'x-private', 'x-private': '1', 'proxy-authenticate': 'x' },
    });
    const answer = await raw('/api/orders/o-1', {
      connection: 'keep-alive, x-hop',
      'x-hop': '1',
      te: 'trailers',
      'proxy-authorization': 'secret',
      'x-forwarded-for': '6.6.6.6',
      'x-forwarded-proto': 'https',
      forwarded: 'for=6.6.6.6',
    });
    const [seen] = (await bed.contexts.orders.saw()).seen;
    for (const name of ['x-hop', 'te', 'proxy-authorization', 'forwarded'])
      expect(seen?.headers).not.toHaveProperty(name);
    expect(seen?.headers).toMatchObject({ 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'http' });
    for (const name of ['x-private', 'proxy-authenticate']) expect(answer.headers).not.toHaveProperty(name);
  });

  it('reaches nothing that is not in the table', async () => {
    for (const path of ['/orders/o-1', '/api/admin/projections', '/api/ordersx', '/metrics-of-orders'])
      expect((await raw(path)).statusCode).toBe(404);
    for (const path of [
      '/api/orders/../admin',
      '/api/orders/%2e%2e/admin',
      '/api/orders/..%2Fadmin',
      '/api/orders/a/.%2E',
    ])
      expect((await raw(path)).statusCode).toBe(400);
    expect((await bed.contexts.orders.saw()).seen).toEqual([]);
    expect((await raw('/api/orders/a..b/1.5')).statusCode).toBe(200);
  });
});

describe('who asks', () => {
  it('must say so, and must have the role of the route, before the context hears of it', async () => {
    const { hostname, port } = new URL(bed.gateway.url);
    const anonymous = await fetch(`http://${hostname}:${port}/api/orders/o-1`);
    expect([anonymous.status, ((await anonymous.json()) as { code: string }).code]).toEqual([
      401,
      'NESTJS_NOT_AUTHENTICATED',
    ]);
    expect(anonymous.headers.get('www-authenticate')).toContain('Bearer');
    expect((await bed.get('/api/orders/o-1', { authorization: 'Bearer a.b.c' })).body['code']).toBe(
      'NESTJS_INVALID_TOKEN',
    );
    expect((await bed.get('/api/payments/o-1', await asCustomer('ann'))).status).toBe(403);
    expect((await bed.get('/admin/strangler', await asCustomer('ann'))).status).toBe(403);
    for (const context of Object.values(bed.contexts)) expect((await context.saw()).seen).toEqual([]);
  });

  it('is passed on to the context, which asks again', async () => {
    const ann = await asCustomer('ann');
    expect((await bed.get<Seen>('/api/orders/o-1', ann)).body.headers).toMatchObject(ann);
  });

  it('need not be known where the context knows the caller otherwise', async () => {
    const sent = await fetch(`${bed.gateway.url}/api/carrier-reports`, { method: 'POST', body: '{}' });
    expect(sent.status).toBe(200);
    expect((await bed.contexts.shipping.saw()).seen[0]?.url).toBe('/carrier-reports');
  });
});

describe('a body', () => {
  it('streams: the context has its beginning before its end is sent', async () => {
    const bytes = 700_000;
    async function* halting() {
      yield Buffer.alloc(50_000);
      await eventually(async () => (await bed.contexts.orders.saw()).seen.length === 1);
      yield* pieces(bytes - 50_000);
    }
    const answer = await bed.request('/api/orders', {
      method: 'POST',
      body: Readable.toWeb(Readable.from(halting())) as ReadableStream,
      duplex: 'half',
    });
    expect(answer.body).toMatchObject({ bytes });
  });

  it('goes on as it came, also when it is compressed', async () => {
    const packed = gzipSync('{"a":1}');
    const { body } = await bed.request<Seen>('/api/orders', {
      method: 'POST',
      headers: { 'content-encoding': 'gzip', 'content-type': 'application/json' },
      body: packed,
    });
    expect(body).toMatchObject({ bytes: packed.length, headers: { 'content-encoding': 'gzip' } });
  });

  it('is no larger than the route takes, whatever it says about itself', async () => {
    const said = await bed.request('/api/orders', { method: 'POST', body: 'x'.repeat(1_100_000) });
    expect(said).toMatchObject({ status: 413, body: { code: 'PAYLOAD_TOO_LARGE' } });
    const counted = await chunked('/api/orders', 3_000_000);
    expect(counted).toBe(413);
    expect(await bed.circuitOf('orders')).toBe('closed');
    expect((await bed.get('/api/orders/o-1')).status).toBe(200);
  });
});

describe('an answer', () => {
  it('streams as it comes, and ends at the context when the client goes away', async () => {
    await bed.contexts.orders.behaves({ kind: 'endless' });
    const answer = await raw('/api/orders/feed', {}, false);
    await once(answer, 'data');
    await once(answer, 'data');
    answer.destroy();
    await eventually(async () => (await bed.contexts.orders.saw()).aborted === 1);
    expect(await bed.circuitOf('orders')).toBe('closed');
  });

  it('is read no faster than the client takes it', async () => {
    await bed.contexts.orders.behaves({ kind: 'endless', bytes: 1_000_000 });
    const socket = connect(Number(new URL(bed.gateway.url).port), '127.0.0.1');
    const { authorization } = await asOperator();
    socket.write(`GET /api/orders/feed HTTP/1.1\r\nhost: x\r\nauthorization: ${authorization}\r\n\r\n`);
    await once(socket, 'data');
    socket.pause();
    // What it could write stands still once all buffers on the way are full.
    let written = -1;
    await eventually(
      async () => {
        const before = written;
        written = (await bed.contexts.orders.saw()).written;
        return before === written;
      },
      { within: 10_000, every: 300 },
    );
    expect(written).toBeLessThan(20_000_000);
    socket.destroy();
    await eventually(async () => (await bed.contexts.orders.saw()).aborted === 1);
  });

  it('that breaks off in the middle is not taken for whole', async () => {
    await bed.contexts.orders.behaves({ kind: 'cut' });
    await expect(bed.get('/api/orders/o-1')).rejects.toThrow();
  });

  it('is compressed when it is worth it and the client can read it', async () => {
    await bed.contexts.orders.behaves({ kind: 'large', rows: 500 });
    const packed = await raw('/api/orders', { 'accept-encoding': 'gzip' });
    expect(packed.headers['content-encoding']).toBe('gzip');
    const plain = await raw('/api/orders', {});
    expect(plain.headers['content-encoding']).toBeUndefined();
    expect((await bed.get<unknown[]>('/api/orders')).body).toHaveLength(500);
    await bed.contexts.orders.behaves({ kind: 'well', body: {} });
    expect((await raw('/api/orders', { 'accept-encoding': 'gzip' })).headers['content-encoding']).toBeUndefined();
  });

  it('has the security headers, and those of CORS for known origins only', async () => {
    const { headers } = await bed.get('/api/orders/o-1', { origin: 'https://shop.example' });
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('strict-transport-security')).toContain('max-age');
    expect(headers.get('access-control-allow-origin')).toBe('https://shop.example');
    expect(headers.get('access-control-expose-headers')).toContain('annals-position');
    const other = await bed.get('/api/orders/o-1', { origin: 'https://evil.example' });
    expect(other.headers.get('access-control-allow-origin')).toBeNull();
    const preflight = await bed.request('/api/orders', {
      method: 'OPTIONS',
      headers: { origin: 'https://shop.example', 'access-control-request-method': 'POST' },
    });
    expect([preflight.status, preflight.headers.get('access-control-allow-methods')]).toEqual([
      204,
      expect.stringContaining('POST'),
    ]);
  });

  it('of HEAD has no body, and of 204 and 304 neither', async () => {
    expect((await bed.request('/api/orders/o-1', { method: 'HEAD' })).text).toBe('');
    await bed.contexts.orders.behaves({ kind: 'well', status: 304, headers: { etag: '"1"' } });
    expect(await bed.get('/api/orders/o-1', { 'if-none-match': '"1"' })).toMatchObject({ status: 304, text: '' });
  });

  it('that does not come in time is 504, and the context is not left working for nobody', async () => {
    await bed.contexts.payments.behaves({ kind: 'hang' });
    const { status, body } = await bed.get('/api/payments/o-1');
    expect([status, body['code']]).toEqual([504, 'DEPENDENCY_TIMEOUT']);
    await eventually(async () => (await bed.contexts.payments.saw()).aborted >= 1);
  });
});

describe('the documentation', () => {
  it('is one document with the paths that clients use', async () => {
    const schema = (name: string) => ({ components: { schemas: { [name]: { type: 'object' } } } });
    const reference = {
      responses: { 200: { content: { 'application/json': { schema: { $ref: '#/components/schemas/Order' } } } } },
    };
    const document = {
      openapi: '3.0.0',
      info: {},
      paths: { '/orders/{id}': { get: reference }, '/admin/x': { get: {} } },
      ...schema('Order'),
    };
    await bed.contexts.orders.behaves({ kind: 'well', body: document });
    const { body } = await bed.get<{ paths: object; components: { schemas: object }; info: object }>('/docs-json');
    expect(Object.keys(body.paths)).toEqual(
      expect.arrayContaining(['/api/orders/{orderId}/details', '/api/orders/{id}']),
    );
    expect(JSON.stringify(body.paths)).not.toContain('admin');
    expect(JSON.stringify(body.paths)).toContain('#/components/schemas/orders.Order');
    expect(Object.keys(body.components.schemas)).toContain('orders.Order');
    expect((await bed.get('/docs')).text).toContain('swagger-ui');
  });
});

function* pieces(bytes: number): Generator<Buffer> {
  for (let left = bytes; left > 0; left -= 50_000) yield Buffer.alloc(Math.min(50_000, left), 'x');
}

/** Without what fetch does to paths and headers. */
async function raw(path: string, headers: Record<string, string> = {}, drain = true): Promise<IncomingMessage> {
  const { hostname, port } = new URL(bed.gateway.url);
  const sent = httpRequest({
    hostname,
    port,
    path,
    headers: { ...(await asOperator()), ...headers },
    agent: false,
  }).end();
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  if (drain) {
    answer.resume();
    await once(answer, 'end');
  }
  return answer;
}

/** Sends a body of unknown length, and reads the answer though not all may be taken. */
async function chunked(path: string, bytes: number): Promise<number | undefined> {
  const { hostname, port } = new URL(bed.gateway.url);
  const sent = httpRequest({ hostname, port, path, method: 'POST', headers: await asOperator(), agent: false });
  sent.on('error', () => undefined); // the gateway closes on what it does not want
  const answered = once(sent, 'response') as Promise<[IncomingMessage]>;
  for (const piece of pieces(bytes)) sent.write(piece);
  sent.end();
  const [answer] = await answered;
  answer.resume();
  return answer.statusCode;
}
