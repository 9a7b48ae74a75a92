import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fastify, { type FastifyInstance } from 'fastify';
import { offerEntityTags } from './entity-tags.js';

let server: FastifyInstance;
let url: string;
let stock = 1;
beforeAll(async () => {
  server = fastify();
  offerEntityTags(server);
  server.get('/stock', () => ({ stock }));
  server.get('/revision', (_, reply) => reply.header('etag', '"7"').send({ revision: 7 }));
  server.get('/gone', (_, reply) => reply.status(404).send({ code: 'NOT_FOUND' }));
  server.get('/page', (_, reply) => reply.type('text/html').send('<p>'));
  server.post('/stock', () => ({ stock: ++stock }));
  url = await server.listen({ host: '127.0.0.1', port: 0 });
});
afterAll(() => server.close());

async function ask(path: string, ifNoneMatch?: string, method = 'GET') {
  const headers = ifNoneMatch === undefined ? {} : { 'if-none-match': ifNoneMatch };
  const response = await fetch(url + path, { method, headers });
  return { status: response.status, etag: response.headers.get('etag'), body: await response.text() };
}

describe('the entity tag of a query', () => {
  it('spares who has the answer already the answer, until it changes', async () => {
    const first = await ask('/stock');
    expect(first).toMatchObject({ status: 200, etag: expect.stringMatching(/^W\/"[\w-]{27}"$/), body: '{"stock":1}' });
    const { etag } = first;
    expect(await ask('/stock', etag ?? '')).toEqual({ status: 304, etag, body: '' });
    expect(await ask('/stock', `"other", ${etag}`)).toMatchObject({ status: 304 });
    expect(await ask('/stock', '*')).toMatchObject({ status: 304 });
    expect(await ask('/stock', '"other"')).toEqual(first);
    await ask('/stock', undefined, 'POST');
    const second = await ask('/stock', etag ?? '');
    expect(second).toMatchObject({ status: 200, body: '{"stock":2}' });
    expect(second.etag).not.toBe(etag);
  });

  it('is only that of an answer of JSON that has none', async () => {
    expect(await ask('/revision')).toMatchObject({ status: 200, etag: '"7"' });
    for (const path of ['/gone', '/page']) expect(await ask(path, '*')).toMatchObject({ etag: null });
    expect(await ask('/stock', '*', 'POST')).toMatchObject({ status: 200, etag: null });
  });
});
