// Orders of many lines, as a read model of ours and as a Pongo document of Emmett: one row per stream, changed by each of its events.
import { readModel } from '@annals/projections';
import { pongoSingleStreamProjection } from '@event-driven-io/emmett-postgresql';
import { Column, Entity, PrimaryColumn } from 'typeorm';

const placed = (orderId) => ({
  type: 'OrderPlaced',
  data: {
    orderId,
    customerId: 'c-42',
    placedAt: '2026-01-31T12:00:00.000Z',
    lines: [{ sku: 'ABC', quantity: 2, price: 1999 }],
  },
});
const lineAdded = (orderId, number) => ({
  type: 'LineAdded',
  data: {
    orderId,
    line: { sku: `S${number % 7}`, quantity: number, price: 100 },
    note: 'lorem ipsum dolor sit amet consectetur',
  },
});

/** The event with this number, from 0, of an order. */
export const orderEvent = (orderId, number) => (number === 0 ? placed(orderId) : lineAdded(orderId, number));

/** Like what commands of ours leave behind. */
export const metadata = (id) => ({ $correlationId: id, $causationId: id });

const totalOf = (lines) => lines.reduce((sum, { quantity, price }) => sum + quantity * price, 0);

/** A read model of its own name and table. */
export function orderSummary(name = 'order-summary') {
  class OrderSummary {}
  PrimaryColumn('text')(OrderSummary.prototype, 'orderId');
  Column('text')(OrderSummary.prototype, 'customerId');
  Column('integer')(OrderSummary.prototype, 'changes');
  Column('integer')(OrderSummary.prototype, 'total');
  Column('timestamptz')(OrderSummary.prototype, 'placedAt');
  Column('timestamptz')(OrderSummary.prototype, 'updatedAt');
  Entity(name.replaceAll('-', '_'))(OrderSummary);
  return readModel(OrderSummary, {
    name,
    version: 1,
    key: ({ data }) => data.orderId,
    on: {
      OrderPlaced: (_, { data: { orderId, customerId, placedAt, lines } }, at) => ({
        ...{ orderId, customerId, changes: 1, total: totalOf(lines) },
        ...{ placedAt: new Date(placedAt), updatedAt: at.created },
      }),
      LineAdded: (row, { data: { line } }, at) =>
        row && { ...row, changes: row.changes + 1, total: row.total + totalOf([line]), updatedAt: at.created },
    },
  });
}

/** The same for Emmett. */
export const orderDocuments = pongoSingleStreamProjection({
  collectionName: 'orders',
  canHandle: ['OrderPlaced', 'LineAdded'],
  initialState: () => ({ changes: 0, total: 0 }),
  evolve: (document, { type, data }) =>
    type === 'OrderPlaced'
      ? {
          ...document,
          ...{ orderId: data.orderId, customerId: data.customerId, placedAt: data.placedAt },
          ...{ changes: 1, total: totalOf(data.lines) },
        }
      : { ...document, changes: document.changes + 1, total: document.total + totalOf([data.line]) },
});
