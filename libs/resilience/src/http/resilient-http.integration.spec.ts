import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { runInContext } from '@annals/core';
import { eventually } from '@annals/testing';
import { answer, MisbehavingServer, type Behaviour } from '../../test/misbehaving-server.js';
import { Dependencies } from '../dependencies.js';
import {
  AnswerTooLarge,
  BulkheadFull,
  CircuitOpen,
  DependencyFailed,
  DependencyTimeout,
  DependencyUnreachable,
  NoUrl,
  UnexpectedAnswer,
} from '../errors.js';
import type { Policy } from '../policy.js';
import { onBehalfOf } from './caller.js';
import { ResilientHttp, type ResilientHttpOptions } from './resilient-http.js';

let server: MisbehavingServer;
let clients: ResilientHttp[] = [];
beforeEach(async () => {
  server = await MisbehavingServer.start();
  clients = [];
});
afterEach(async () => {
  await server.stop();
  await Promise.all(clients.map((client) => client.close()));
});

/** Waits between tries are short here; that they are as long as they should be is tested on virtual time. */
const impatient: Policy = { timeout: 2_000, retry: { firstMs: 1, maxMs: 5_000 } };

function client(policy: Policy = {}, options: ResilientHttpOptions = {}) {
  const dependencies = new Dependencies({ environment: {} });
  const payments = dependencies.declare('payments', { url: `${server.url}/api/`, ...impatient, ...policy });
  const http = new ResilientHttp('payments', { dependencies, ...options });
  clients.push(http);
  return { http, payments };
}

const hang: Behaviour = () => undefined;
const breakOff: Behaviour = (_, request) => request.socket.destroy();

describe('the HTTP client of a dependency', () => {
  it('reads and sends JSON below the URL of the dependency', async () => {
    const { http } = client();
    expect(await http.get('/payments/o-1?full=1')).toEqual({ ok: true });
    expect(await http.post('/payments', { orderId: 'o-1' })).toEqual({ ok: true });
    expect(server.asked.map(({ method, url, body }) => ({ method, url, body }))).toEqual([
      { method: 'GET', url: '/api/payments/o-1?full=1', body: '' },
      { method: 'POST', url: '/api/payments', body: '{"orderId":"o-1"}' },
    ]);
  });

  it('carries correlation id, traceparent, idempotency key and the token of the caller', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const { http } = client();
    await onBehalfOf('Bearer token', () =>
      runInContext({ correlationId: 'talk-1', traceparent }, () =>
        http.post('/payments', {}, { idempotencyKey: 'key-1' }),
      ),
    );
    expect(server.asked[0]?.headers).toMatchObject({
      'x-correlation-id': 'talk-1',
      traceparent,
      authorization: 'Bearer token',
      'idempotency-key': 'key-1',
      'content-type': 'application/json',
    });
    await http.get('/payments/o-1');
    expect(Object.keys(server.asked[1]?.headers ?? {})).not.toEqual(expect.arrayContaining(['authorization']));
  });

  it('tries again after 503, 429 and a broken connection, with the same key', async () => {
    const { http, payments } = client({ retry: { tries: 4, firstMs: 1 } });
    server.behaves = [answer(503, {}), answer(429, {}), breakOff, answer(200, { paid: true })];
    expect(await http.post('/payments', {}, { idempotencyKey: 'key-1' })).toEqual({ paid: true });
    expect(server.asked.map(({ headers }) => headers['idempotency-key'])).toEqual(Array(4).fill('key-1'));
    expect(payments.state().counters).toMatchObject({ calls: 4, retried: 3, failed: 2, succeeded: 1 });
  });

  it('never tries a POST without a key again', async () => {
    const { http } = client();
    server.behaves = [answer(503, {}), breakOff, answer(200, {})];
    await expect(http.post('/payments', {})).rejects.toMatchObject({ code: 'DEPENDENCY_FAILED', status: 503 });
    await expect(http.post('/payments', {})).rejects.toBeInstanceOf(DependencyUnreachable);
    expect(server.asked).toHaveLength(2);
  });

  it('honours Retry-After', async () => {
    const { http } = client();
    server.behaves = [answer(503, {}, { 'retry-after': '1' }), answer(200, {})];
    const began = performance.now();
    await http.get('/payments/o-1');
    expect(performance.now() - began).toBeGreaterThanOrEqual(990);

    server.behaves = [answer(503, {}, { 'retry-after': '3600' })];
    await expect(http.get('/payments/o-1')).rejects.toMatchObject({ retryAfterMs: 3_600_000 });
    expect(server.asked).toHaveLength(3);
  });

  it('really aborts a request that takes too long', async () => {
    const { http } = client({ timeout: 100, retry: { tries: 1 } });
    server.behaves = [hang];
    await expect(http.get('/payments/o-1')).rejects.toBeInstanceOf(DependencyTimeout);
    await eventually(() => server.aborted === 1);
  });

  it('limits the time of an answer that never ends, too', async () => {
    const { http } = client({ timeout: 100, retry: { tries: 1 } });
    server.behaves = [(response) => response.writeHead(200).write('{')];
    await expect(http.get('/payments/o-1')).rejects.toBeInstanceOf(DependencyTimeout);
    await eventually(() => server.aborted === 1);
  });

  it('ends a request when its caller goes away', async () => {
    const { http, payments } = client();
    server.behaves = [hang];
    const gone = new AbortController();
    const call = http.get('/payments/o-1', { signal: gone.signal });
    await eventually(() => server.asked.length === 1);
    gone.abort(new Error('gone'));
    await expect(call).rejects.toThrow('gone');
    await eventually(() => server.aborted === 1);
    expect(payments.state().counters).toMatchObject({ failed: 0 });
  });

  it('takes 404 for an answer: nothing there; other refusals say what the dependency said', async () => {
    const { http, payments } = client({ circuit: { failures: 1 } });
    server.behaves = [answer(404, {}), answer(409, { code: 'ORDER_PAID', detail: 'It is paid.' })];
    expect(await http.get('/payments/o-1')).toBeUndefined();
    await expect(http.post('/payments', {})).rejects.toMatchObject({
      code: 'DEPENDENCY_UNEXPECTED_ANSWER',
      status: 409,
      message: expect.stringContaining('It is paid.'),
    });
    server.behaves = [(response) => response.end('<html>')];
    await expect(http.get('/payments/o-1')).rejects.toBeInstanceOf(UnexpectedAnswer);
    expect(payments.state().circuit).toBe('closed');
  });

  it('does not read more than it should', async () => {
    const { http } = client({}, { maxAnswerBytes: 1_000 });
    server.behaves = [(response) => response.end(Buffer.alloc(100_000))];
    await expect(http.get('/payments/o-1')).rejects.toBeInstanceOf(AnswerTooLarge);
  });

  it('sends no more at once than the bulkhead lets through', async () => {
    const { http, payments } = client({ bulkhead: { limit: 2, queue: 1 } });
    const held: (() => void)[] = [];
    server.behaves = [(response) => held.push(() => response.end('{}'))];
    const calls = [1, 2, 3].map((i) => http.get(`/payments/${i}`));
    await expect(http.get('/payments/4')).rejects.toBeInstanceOf(BulkheadFull);
    await eventually(() => held.length === 2);
    expect(payments.state()).toMatchObject({ running: 2, queued: 1 });
    held[0]?.();
    await eventually(() => held.length === 3);
    for (const end of held) end();
    expect(await Promise.all(calls)).toEqual([{}, {}, {}]);
  });

  it('leaves a dead dependency alone, and finds it again', async () => {
    const { http, payments } = client({ retry: { tries: 1 }, circuit: { failures: 2, openMs: 100, successes: 2 } });
    server.behaves = [breakOff];
    for (let i = 0; i < 2; i++) await expect(http.get('/payments/o-1')).rejects.toBeInstanceOf(DependencyUnreachable);
    await expect(http.get('/payments/o-1')).rejects.toBeInstanceOf(CircuitOpen);
    expect(server.asked).toHaveLength(2);
    server.behaves = [answer(200, {})];
    await eventually(() => payments.state().circuit === 'half-open');
    await http.get('/payments/o-1');
    await http.get('/payments/o-1');
    expect(payments.state().circuit).toBe('closed');
  });

  it('needs a URL, and paths below it', async () => {
    const dependencies = new Dependencies({ environment: {} });
    dependencies.declare('payments');
    expect(() => new ResilientHttp('payments', { dependencies })).toThrow(NoUrl);
    await expect(async () => client().http.get('payments')).rejects.toThrow(/does not begin/);
  });

  it('says of a 500 that the dependency failed, and does not repeat it', async () => {
    const { http } = client();
    server.behaves = [answer(500, {})];
    await expect(http.get('/payments/o-1')).rejects.toBeInstanceOf(DependencyFailed);
    expect(server.asked).toHaveLength(1);
  });
});
