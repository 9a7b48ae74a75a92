import { describe, expect, it } from '@jest/globals';
import type { EventContext } from '@annals/event-store';
import { LineAdded, OrderCancelled, orderSummary, OrderPlaced, OrderSummary, type OrderEvent } from '../test/shop.js';
import { InvalidReadModel, readModel, type RowsAtHand } from './index.js';

const at = { created: new Date(0) } as EventContext;
const rows: RowsAtHand<OrderSummary> = { key: '1', row: () => undefined };
const definition = { name: 'orders', version: 1, key: ({ data }: OrderEvent) => data.orderId, on: {} };

describe('readModel', () => {
  it('names the types of events it needs', () => {
    expect(orderSummary.eventTypes).toEqual(['LineAdded', 'OrderCancelled', 'OrderForgotten', 'OrderPlaced']);
    expect(orderSummary.handledBy('OrderPlaced')).toBe('fold');
    expect(orderSummary.handledBy('toString')).toBeUndefined();
  });

  it('folds with the handler of the type, and leaves the row alone without one', () => {
    const cancelled = new OrderCancelled({ orderId: '1', reason: 'none' });
    expect(orderSummary.fold(undefined, cancelled, at, rows)).toBeUndefined();
    const row = orderSummary.fold(undefined, new OrderPlaced({ orderId: '1', customerId: 'a', lines: [] }), at, rows);
    expect(orderSummary.fold(row ?? undefined, cancelled, at, rows)).toMatchObject({ status: 'cancelled', changes: 2 });
  });

  it('takes one key, several, or none', () => {
    const keysOf = (key: (event: OrderEvent) => string | string[] | undefined) =>
      readModel<OrderSummary, OrderEvent>(OrderSummary, {
        ...definition,
        key,
        on: { OrderForgotten: () => null },
      }).keysOf(new OrderCancelled({ orderId: '1', reason: '' }), at);
    expect(keysOf(({ data }) => data.orderId)).toEqual(['1']);
    expect(keysOf(() => ['1', '2'])).toEqual(['1', '2']);
    expect(keysOf(() => undefined)).toEqual([]);
  });

  it('cannot look at rows that other partitions fold', () => {
    const lookups = () => 'other';
    const make = () =>
      readModel(OrderSummary, { ...definition, on: { OrderCancelled: () => null }, partitions: 2, lookups });
    expect(make).toThrow(InvalidReadModel);
  });

  it('types its handlers by the classes of its events', () => {
    const lines = readModel(OrderSummary, {
      name: 'lines',
      version: 1,
      events: [OrderPlaced, LineAdded],
      key: ({ data }) => data.orderId,
      on: { LineAdded: (row, { data }) => row && { ...row, lines: [...row.lines, data.line] } },
    });
    expect(lines.eventTypes).toEqual(['LineAdded']);
  });

  it.each([
    ['a name with blanks', { name: 'order summary' }, "small letters, digits and '-'"],
    ['version 0', { version: 0 }, 'version'],
    ['no partitions', { partitions: 0 }, 'partitions'],
    ['no handlers', { on: {} }, 'handles no event'],
    ['two handlers of a type', { sql: { OrderForgotten: () => Promise.resolve() } }, 'OrderForgotten'],
  ])('refuses %s', (_, change, reason) => {
    const make = () =>
      readModel<OrderSummary, OrderEvent>(OrderSummary, {
        ...definition,
        on: { OrderForgotten: () => null },
        ...change,
      });
    expect(make).toThrow(InvalidReadModel);
    expect(make).toThrow(reason);
  });
});
