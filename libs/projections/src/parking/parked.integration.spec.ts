import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '@annals/testing';
import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { LineAdded, OrderCancelled, orderSummary, OrderSummary, Shop, type OrderEvent } from '../../test/shop.js';
import { NotParked, readModel } from '../index.js';

/** As `orderSummary`, but its handler of LineAdded cannot stand the article "poison" until it is mended. */
let mended = false;
const touchy = readModel<OrderSummary, OrderEvent>(OrderSummary, {
  name: 'touchy',
  version: 1,
  key: (event) => {
    if (event.data.orderId === 'nameless' && !mended) throw new Error('has no name');
    return event.data.orderId;
  },
  on: {
    OrderPlaced: (row, event, at, rows) => orderSummary.fold(row, event, at, rows),
    LineAdded: (row, event, at, rows) => {
      if (event.data.line.sku === 'poison' && !mended) throw new TypeError('cannot stand it');
      return orderSummary.fold(row, event, at, rows);
    },
    OrderCancelled: (row, event, at, rows) => orderSummary.fold(row, event, at, rows),
  },
});

@Entity('customer_order')
class CustomerOrder {
  @PrimaryColumn('text')
  orderId!: string;
  @Index({ unique: true })
  @Column('text')
  customerId!: string;
}

const oneOrderEach = readModel<CustomerOrder, OrderEvent>(CustomerOrder, {
  name: 'one-order-each',
  version: 1,
  key: ({ data }) => data.orderId,
  on: { OrderPlaced: (_, { data }) => ({ orderId: data.orderId, customerId: data.customerId }) },
});

const add = (orderId: string, sku: string) => new LineAdded({ orderId, line: { sku, qty: 1 } });

describe('a poison event (G6)', () => {
  let shop: Shop;
  beforeAll(async () => {
    shop = await Shop.open();
  });
  afterEach(async () => {
    mended = false;
    await shop.stopInstances();
  });
  afterAll(() => shop.close());

  it('is parked with the later events of its key, in order, while other keys go on', async () => {
    const { projections, orders, said } = await shop.instance({ readModels: [touchy] });
    await shop.place('1');
    await shop.place('2');
    await shop.append(
      add('1', 'poison'),
      add('1', 'b'),
      add('2', 'c'),
      new OrderCancelled({ orderId: '1', reason: '' }),
    );
    const position = await shop.append(add('2', 'd'));
    expect(await projections.waitFor('touchy', position)).toBe(true);
    expect(await orders.findOneBy({ orderId: '1' })).toMatchObject({ changes: 1, status: 'placed' });
    expect(await orders.findOneBy({ orderId: '2' })).toMatchObject({ changes: 3 });
    expect(said).toContainEqual(expect.stringContaining('touchy parked an event: TypeError: cannot stand it'));

    const [parked] = await projections.parked.list('touchy');
    expect(parked).toMatchObject({ key: '1', stream: undefined, waiting: 2, attempts: 3, readModel: 'touchy' });
    const { head, behind } = await projections.parked.show('touchy', parked?.id ?? '');
    expect(head.recorded).toMatchObject({ event: add('1', 'poison'), at: { stream: 'order-1', revision: 1 } });
    expect(head.recorded.at.created).toBeInstanceOf(Date);
    expect(behind.map(({ event }) => event.type)).toEqual(['LineAdded', 'OrderCancelled']);
    expect(await projections.status()).toMatchObject([{ state: 'live', parked: 1 }]);
  });

  it('stays parked when it fails again, and is folded with the others once it is mended', async () => {
    const { projections, orders } = await shop.instance({ readModels: [touchy] });
    const { projections: elsewhere } = await shop.instance({ readModels: [touchy], started: false });
    const [parked] = await elsewhere.parked.list();
    expect(await elsewhere.parked.retry('touchy', parked?.id ?? '')).toEqual({ applied: 0, stillParked: 3 });
    await projections.waitFor('touchy', await shop.append(add('1', 'e')));
    const [again] = await elsewhere.parked.list();
    expect(again).toMatchObject({ key: '1', waiting: 3 });

    mended = true;
    expect(await elsewhere.parked.retry('touchy', again?.id ?? '')).toEqual({ applied: 4, stillParked: 0 });
    // The owner heard of it: it does not park behind an event that is not there any more.
    await projections.waitFor('touchy', await shop.append(add('1', 'f')));
    expect(await orders.findOneBy({ orderId: '1' })).toMatchObject({
      changes: 6,
      status: 'cancelled',
      lines: [{ sku: 'a' }, { sku: 'poison' }, { sku: 'b' }, { sku: 'e' }, { sku: 'f' }],
    });
    expect(await projections.parked.list()).toEqual([]);
    await expect(projections.parked.retry('touchy', again?.id ?? '')).rejects.toThrow(NotParked);
    expect((await projections.verify('touchy'))?.drift).toEqual([]);
  });

  it('can be passed over', async () => {
    const { projections, orders } = await shop.instance({ readModels: [touchy] });
    await shop.place('3');
    await projections.waitFor('touchy', await shop.append(add('3', 'poison'), add('3', 'b')));
    const [parked] = await projections.parked.list();
    expect(await projections.parked.skip('touchy', parked?.id ?? '')).toEqual({ applied: 1, stillParked: 0 });
    expect(await orders.findOneBy({ orderId: '3' })).toMatchObject({ lines: [{ sku: 'a' }, { sku: 'b' }] });
  });

  it('holds back its stream when its key cannot be told', async () => {
    const { projections, orders } = await shop.instance({ readModels: [touchy] });
    await shop.place('nameless');
    await projections.waitFor('touchy', await shop.append(add('nameless', 'b'), add('2', 'e')));
    const [parked] = await projections.parked.list();
    expect(parked).toMatchObject({ key: undefined, stream: 'order-nameless', waiting: 1 });
    mended = true;
    expect(await projections.parked.retry('touchy', parked?.id ?? '')).toEqual({ applied: 2, stillParked: 0 });
    expect(await orders.findOneBy({ orderId: 'nameless' })).toMatchObject({ changes: 2 });
  });

  it('is found among the others when only the database knows it: a row that breaks a unique index', async () => {
    for (let order = 0; order < 40; order++)
      await shop.place(`u${order}`, order === 25 ? 'customer 7' : `customer ${order}`);
    const head = await shop.append(new OrderCancelled({ orderId: 'u1', reason: '' }));
    const { projections, database } = await shop.instance({ readModels: [oneOrderEach] });
    expect(await projections.waitFor('one-order-each', head, { timeoutMs: 20_000 })).toBe(true);
    const orders = await database.queries.getRepository(CustomerOrder).find();
    const mine = orders.filter(({ orderId }) => orderId.startsWith('u')).map(({ orderId }) => orderId);
    expect(mine.length).toBe(39);
    expect(mine).not.toContain('u25');
    const parked = await projections.parked.list();
    expect(parked.filter(({ key }) => key?.startsWith('u'))).toMatchObject([
      { key: 'u25', error: expect.stringContaining('duplicate key value') },
    ]);
    await eventually(async () => expect(await projections.status()).toMatchObject([{ state: 'live' }]));
  });
});
