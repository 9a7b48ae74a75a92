/**
 *   new ── PlaceOrder ──▶ placed ── ConfirmOrder ──▶ confirmed
 *                           │
 *                           └────── CancelOrder ───▶ cancelled
 *
 * Stock and payment are noted on the way, for those who look at the order; what must happen in which sequence is the
 * fulfilment saga's business.
 */
import { decider } from '@annals/core';
import type { OrderCommand } from './order.commands.js';
import { InvalidOrder, OrderAlreadyCancelled, OrderAlreadyConfirmed, OrderNotFound } from './order.errors.js';
import {
  OrderCancelled,
  OrderConfirmed,
  OrderPaid,
  OrderPlaced,
  OrderStockReserved,
  type Money,
  type OrderEvent,
  type OrderLine,
} from './order.events.js';

export interface Order {
  readonly status: 'new' | 'placed' | 'confirmed' | 'cancelled';
  readonly stockReserved: boolean;
  readonly paid: boolean;
}

export const order = decider<Order, OrderCommand, OrderEvent>({
  category: 'order',
  initial: { status: 'new', stockReserved: false, paid: false },
  decide: {
    PlaceOrder: (order, { data }) =>
      order.status === 'new' ? [new OrderPlaced({ ...data, total: totalOf(data.lines) })] : [],
    NoteStockReserved: (order, { data: { orderId } }) =>
      order.stockReserved || order.status !== 'placed' ? [] : [new OrderStockReserved({ orderId })],
    NotePayment: (order, { data: { orderId } }) =>
      order.paid || order.status !== 'placed' ? [] : [new OrderPaid({ orderId })],
    ConfirmOrder: (order, { data: { orderId } }) => {
      if (order.status === 'new') throw new OrderNotFound(orderId);
      if (order.status === 'cancelled') throw new OrderAlreadyCancelled(orderId);
      return order.status === 'confirmed' ? [] : [new OrderConfirmed({ orderId })];
    },
    CancelOrder: (order, { data: { orderId, reason } }) => {
      if (order.status === 'new') throw new OrderNotFound(orderId);
      if (order.status === 'confirmed') throw new OrderAlreadyConfirmed(orderId);
      return order.status === 'cancelled' ? [] : [new OrderCancelled({ orderId, reason })];
    },
  },
  evolve: {
    OrderPlaced: (order) => ({ ...order, status: 'placed' }),
    OrderStockReserved: (order) => ({ ...order, stockReserved: true }),
    OrderPaid: (order) => ({ ...order, paid: true }),
    OrderConfirmed: (order) => ({ ...order, status: 'confirmed' }),
    OrderCancelled: (order) => ({ ...order, status: 'cancelled' }),
  },
});

function totalOf(lines: readonly OrderLine[]): Money {
  const [first, ...others] = lines;
  if (!first) throw new InvalidOrder('An order needs at least one line.');
  const { currency } = first.unitPrice;
  if (others.some(({ unitPrice }) => unitPrice.currency !== currency))
    throw new InvalidOrder('All lines of an order must have the same currency. Place one order for each currency.');
  return { amount: lines.reduce((sum, { quantity, unitPrice }) => sum + quantity * unitPrice.amount, 0), currency };
}
