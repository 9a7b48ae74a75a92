import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { runInContext } from '@annals/core';
import { EventStore, WrongExpectedRevision } from '@annals/event-store';
import { createContext, EventSourcedRepository, NotFound, repositoryToken, ContextRuntime } from '@annals/nestjs';
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
  await app.init();
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
    expect(await reactors.retry('shipping-mail', first?.id ?? '')).toBe(0);
    expect((await reactors.parked('shipping-mail'))[0]).toMatchObject({ attempts: 3 });
    expect(await reactors.retry('shipping-mail', first?.id ?? '')).toBe(2);
    expect(outbox.sent.slice(-2)).toEqual([id, `${id} again`]);
    expect(await reactors.parked('shipping-mail')).toEqual([]);
    await expect(reactors.skip('shipping-mail', '1')).rejects.toMatchObject({ code: 'NESTJS_NOT_PARKED' });
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
