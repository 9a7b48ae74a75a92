/** `annals reactors` against a running app: what an operator sees and does about a reactor that failed. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { runCli } from '@annals/cli';
import { createContext, EventSourcedRepository, repositoryToken } from '@annals/nestjs';
import { eventually, testEventStore, testNats, testPostgres } from '@annals/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Order, OrdersModule, Outbox } from '../../libs/nestjs/test/moved-orders.js';

let app: NestFastifyApplication;
let server: Awaited<ReturnType<typeof testEventStore>>;
beforeAll(async () => {
  server = await testEventStore();
  process.env['EVENTSTORE_URL'] = server.url;
  process.env['DATABASE_URL'] = (await testPostgres()).url;
  process.env['NATS_URL'] = (await testNats()).url;
  app = await createContext(OrdersModule);
  await app.listen(0, '127.0.0.1');
});
afterAll(async () => {
  await app.close();
  await server.close();
});

async function parked(...args: readonly string[]) {
  const written = { stdout: '', stderr: '' };
  const code = await runCli(['reactors', 'parked', ...args, '--url', await app.getUrl()], {
    ...{ env: process.env, cwd: process.cwd(), stdin: process.stdin },
    stdout: { write: (text) => (written.stdout += text) },
    stderr: { write: (text) => (written.stderr += text) },
  });
  return { code, ...written };
}

it('lists, shows, retries and skips what a reactor has parked', async () => {
  const name = 'shipping-mail';
  expect(await parked('list', name)).toEqual({ code: 0, stdout: 'Nothing is parked.\n', stderr: '' });
  const outbox = app.get(Outbox);
  outbox.failures = 2;
  const orders: EventSourcedRepository<Order> = app.get(repositoryToken(Order));
  await orders.update('o', (order) => {
    order.place(1);
    order.ship();
  });
  const [head] = await eventually(async () => {
    const heads = JSON.parse((await parked('list', name, '--json')).stdout) as { id: string }[];
    return heads.length === 1 && heads;
  });
  const id = head?.id ?? '';
  expect((await parked('list', name)).stdout).toMatch(/OrderShipped\s+order-o\s+0\s+2\s+The mail server is away\./);
  expect((await parked('show', name, id)).stdout).toMatch(
    /^OrderShipped .* of order-o, revision 1\n.* after 2 attempts: The mail server is away\.\n {2}\{"orderId":"o"\}\n$/,
  );
  outbox.failures = 1;
  expect(await parked('retry', name, id)).toMatchObject({
    code: 1,
    stdout: '0 events dealt with, 1 still wait\n',
    stderr: expect.stringContaining('annals reactors parked list shipping-mail'),
  });
  expect(await parked('skip', name, id)).toMatchObject({ code: 0, stdout: '0 events dealt with, 0 still wait\n' });
  expect((await parked('retry', name, id)).code).toBe(1);
  expect(outbox.sent).toEqual([]);
});
