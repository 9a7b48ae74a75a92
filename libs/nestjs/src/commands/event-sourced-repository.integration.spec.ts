import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { runInContext } from '@annals/core';
import { EventStore, WrongExpectedRevision } from '@annals/event-store';
import {
  ContextRuntime,
  createContext,
  EventSourcedRepository,
  localToken,
  NotFound,
  repositoryToken,
} from '@annals/nestjs';
import { eventually, testEventStore, testNats, testPostgres } from '@annals/testing';
import { CommandBus } from '@nestjs/cqrs';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { CountOrders, Order, OrderPlacedEvent, OrdersModule, Outbox, ShipOrder } from '../../test/moved-orders.js';

let app: NestFastifyApplication;
let server: Awaited<ReturnType<typeof testEventStore>>;
let orders: EventSourcedRepository<Order>;
let outbox: Outbox;
let ids = 0;
const newId = () => `o${ids++}`;

beforeAll(async () => {
  server = await testEventStore();
  process.env['EVENTSTORE_URL'] = server.url;
  process.env['DATABASE_URL'] = (await testPostgres()).url;
  process.env['NATS_URL'] = (await testNats()).url;
  app = await createContext(OrdersModule);
  await app.listen(0, '127.0.0.1');
  orders = app.get(repositoryToken(Order));
  outbox = app.get(Outbox);
});
afterAll(async () => {
  await app.close();
  await server.close();
});

async function placed(): Promise<string> {
  const id = newId();
  await orders.update(id, (order) => order.place(10));
  return id;
}
const ship = (id: string) => app.get(CommandBus).execute(new ShipOrder(id));
const stored = async (id: string) =>
  (await app.get(EventStore).streams.readToEnd(`order-${id}`)).map(({ event }) => event);

async function ask(method: 'GET' | 'POST', path: string, role = 'operator') {
  const authorization = `Bearer ${await localToken({ subject: 'somebody', roles: [role] }, 60)}`;
  const response = await fetch(`${await app.getUrl()}${path}`, { method, headers: { authorization } });
  return { status: response.status, body: await response.json() };
}
const admin = (method: 'GET' | 'POST', path: string, role?: string) => ask(method, `/admin/reactors${path}`, role);

describe('an AggregateRoot in an EventSourcedRepository', () => {
  it('is loaded from its events and saved by commit(), as existing handlers do', async () => {
    const id = await placed();
    await ship(id);
    expect(await stored(id)).toEqual([
      { type: 'OrderPlaced', data: { orderId: id, total: 10 } },
      { type: 'OrderShipped', data: { orderId: id } },
    ]);
    await expect(ship(id)).rejects.toThrow(`Order ${id} is shipped.`);
    await expect(ship('nobody')).rejects.toThrow(NotFound);
  });

  it('publishes after it has appended, and not when the append is refused', async () => {
    const counter = app.get(CountOrders);
    const before = counter.count;
    const id = newId();
    const [one, other] = [await orders.load(id), await orders.load(id)];
    one.place(1);
    other.place(2);
    expect(await one.commit()).toEqual({ stream: `order-${id}`, revision: 0, appended: 1 });
    expect(counter.count).toBe(before + 1);
    await expect(other.commit()).rejects.toThrow(WrongExpectedRevision);
    expect(other.getUncommittedEvents()).toHaveLength(1);
    expect(counter.count).toBe(before + 1);
    expect(await stored(id)).toHaveLength(1);
  });

  it('does it again when somebody was faster (G2)', async () => {
    const id = newId();
    const results = await Promise.all(Array.from({ length: 6 }, () => orders.update(id, (order) => order.place(1))));
    expect(results.reduce((sum, { appended }) => sum + appended, 0)).toBe(1);
  });

  it('has one effect when its command comes again (G3)', async () => {
    const id = await placed();
    const once = () =>
      runInContext({ correlationId: 'talk', causationId: 'ship-1' }, async () => {
        const order = await orders.load(id);
        order.apply(new OrderPlacedEvent(id, 99));
        return order.commit();
      });
    expect(await once()).toMatchObject({ appended: 1, revision: 1 });
    expect(await once()).toMatchObject({ appended: 0, revision: 1 });
    expect(await stored(id)).toHaveLength(2);
  });

  it('can commit more than once, and does not publish what is not stored', async () => {
    const order = await orders.load(newId());
    order.place(1);
    expect((await order.commit()).revision).toBe(0);
    order.ship();
    expect((await order.commit()).revision).toBe(1);
    expect(await order.commit()).toMatchObject({ appended: 0, revision: 1 });
    order.autoCommit = true;
    expect(() => order.apply(new OrderPlacedEvent('x', 1))).toThrow(/autoCommit/);
  });

  it('refuses events that nobody listed, and data that is not JSON', async () => {
    const order = await orders.load(newId());
    order.apply(new Date());
    await expect(order.commit()).rejects.toMatchObject({ code: 'EVENT_STORE_UNREGISTERED_EVENT' });
    const odd = await orders.load(newId());
    odd.apply(new OrderPlacedEvent('x', NaN));
    await expect(odd.commit()).rejects.toMatchObject({ code: 'CORE_NOT_JSON', path: 'OrderPlaced.data.total' });
  });
});

describe('a durable event handler', () => {
  it('gets each event once when all is well, and is not called by the EventBus besides', async () => {
    const id = await placed();
    await ship(id);
    await eventually(() => expect(outbox.sent).toContain(id));
    const later = await placed();
    await ship(later);
    await eventually(() => expect(outbox.sent).toContain(later));
    expect(outbox.sent.filter((sent) => sent === id || sent === later)).toEqual([id, later]);
  });

  it('is tried again, then parked with what follows in its stream; others go on; a retry empties it', async () => {
    const { reactors } = app.get(ContextRuntime);
    const id = await placed();
    outbox.failures = 2;
    await ship(id);
    await eventually(async () => expect(await reactors.parked('shipping-mail')).toHaveLength(1));
    expect(await reactors.parked('shipping-mail')).toMatchObject([
      {
        stream: `order-${id}`,
        error: 'The mail server is away.',
        attempts: 2,
        recorded: { event: { type: 'OrderShipped' } },
      },
    ]);
    const event = { type: 'OrderShipped', data: { orderId: `${id} again` } };
    const { streams } = app.get(EventStore);
    await streams.append(`order-${id}`, [{ id: crypto.randomUUID(), event, metadata: {} }], 'any');
    await eventually(async () => expect(await reactors.parked('shipping-mail')).toHaveLength(2));

    const other = await placed();
    await ship(other);
    await eventually(() => expect(outbox.sent).toContain(other));
    expect(outbox.sent).not.toContain(id);

    const [first] = await reactors.parked('shipping-mail');
    outbox.failures = 1;
    expect(await reactors.retry('shipping-mail', first?.id ?? '')).toEqual({ done: 0, waiting: 2 });
    expect((await reactors.parked('shipping-mail'))[0]).toMatchObject({ attempts: 3 });
    expect(await reactors.retry('shipping-mail', first?.id ?? '')).toEqual({ done: 2, waiting: 0 });
    expect(outbox.sent.slice(-2)).toEqual([id, `${id} again`]);
    expect(await reactors.parked('shipping-mail')).toEqual([]);
    await expect(reactors.skip('shipping-mail', '1')).rejects.toMatchObject({ code: 'NESTJS_NOT_PARKED' });
  });

  it('shows operators what it has parked, is degraded meanwhile, and is retried and skipped by them', async () => {
    const name = 'shipping-mail';
    const conditionOf = async () => {
      const { status, body } = await ask('GET', '/health/ready');
      const { parts } = body as { parts: { name: string; status: string; reason?: string }[] };
      return { ready: status, ...parts.find((part) => part.name === 'reactors') };
    };
    await eventually(async () => expect(await conditionOf()).toMatchObject({ ready: 200, status: 'up' }));
    const parked: string[] = [];
    for (let index = 0; index < 2; index++) {
      const id = await placed();
      parked.push(id);
      outbox.failures = 2;
      await ship(id);
      await eventually(async () => expect((await admin('GET', `/${name}/parked`)).body).toHaveLength(index + 1));
    }
    expect((await admin('GET', '')).body).toEqual([
      { name, state: 'live', position: expect.stringMatching(/^\d+$/), lagMs: 0, parked: 2 },
    ]);
    await eventually(async () =>
      expect(await conditionOf()).toMatchObject({
        ready: 200,
        ...{ status: 'degraded', reason: 'shipping-mail has 2 parked streams' },
      }),
    );

    const { body } = await admin('GET', `/${name}/parked`);
    const [first, second] = body as { id: string }[];
    expect(first).toMatchObject({
      ...{ stream: `order-${parked[0]}`, eventType: 'OrderShipped', behind: 0, attempts: 2 },
      error: 'The mail server is away.',
    });
    const place = (which: { id: string } | undefined, verb = '') => `/${name}/parked/${which?.id ?? ''}${verb}`;
    expect((await admin('GET', place(first))).body).toMatchObject([
      { id: first?.id, recorded: { event: { type: 'OrderShipped', data: { orderId: parked[0] } } } },
    ]);
    expect((await admin('POST', place(first, '/retry'), 'customer')).status).toBe(403);
    expect(await admin('POST', place(first, '/retry'))).toEqual({ status: 200, body: { done: 1, waiting: 0 } });
    expect(await admin('POST', place(second, '/skip'))).toEqual({ status: 200, body: { done: 0, waiting: 0 } });
    expect(await admin('POST', place(second, '/skip'))).toMatchObject({ status: 404 });
    expect(await admin('GET', '/nobody/parked')).toMatchObject({ status: 404, body: { known: [name] } });
    expect(outbox.sent).toContain(parked[0]);
    expect(outbox.sent).not.toContain(parked[1]);
    await eventually(async () => expect(await conditionOf()).toMatchObject({ status: 'up' }));
  });

  it('goes on where it was after a restart, in one instance at a time (G10)', async () => {
    const second = await createContext(OrdersModule);
    await second.init();
    const elsewhere = second.get(Outbox);
    const id = await placed();
    await ship(id);
    await eventually(() => expect(outbox.sent).toContain(id));
    expect(elsewhere.sent).toEqual([]);

    await app.close();
    const meanwhile = newId();
    const repository: EventSourcedRepository<Order> = second.get(repositoryToken(Order));
    await repository.update(meanwhile, (order) => {
      order.place(1);
      order.ship();
    });
    await eventually(() => expect(elsewhere.sent).toEqual([meanwhile]), { within: 10_000 });
    app = second;
  });
});

describe('docs/guides/moving-from-nestjs-cqrs.md', () => {
  it('shows the module that is tested here', async () => {
    const root = new URL('../../../../', import.meta.url);
    const guide = await readFile(new URL('docs/guides/moving-from-nestjs-cqrs.md', root), 'utf8');
    const module = await readFile(new URL('libs/nestjs/test/moved-orders.ts', root), 'utf8');
    const blocks = [...guide.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code?.trimEnd() ?? '');
    expect(blocks).toHaveLength(4);
    for (const block of blocks) expect(module).toContain(block);
  });
});
