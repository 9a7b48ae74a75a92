/**
 *   new ── PlaceOrder ──▶ placed ── ConfirmOrder ──▶ confirmed
 *                           │
 *                           └────── CancelOrder ───▶ cancelled
 *
 * Stock, payment and shipment are noted on the way, for those who look at the order; what must happen in which sequence
 * is the fulfilment saga's business. The shipment's own way (arranged, dispatched, delivered) stands beside the status.
 */
import { decider } from '@annals/core';
import type { OrderCommand } from './order.commands.js';
import {
  InvalidOrder,
  OrderAlreadyCancelled,
  OrderAlreadyConfirmed,
  OrderIdTaken,
  OrderNotFound,
} from './order.errors.js';
import {
  OrderCancelled,
  OrderConfirmed,
  OrderDelivered,
  OrderDispatched,
  OrderPaid,
  OrderPlaced,
  OrderShipmentArranged,
  OrderStockReserved,
  type Money,
  type OrderEvent,
  type OrderLine,
} from './order.events.js';

export type Order = { readonly status: 'new' } | PlacedOrder;

interface PlacedOrder {
  readonly status: 'placed' | 'confirmed' | 'cancelled';
  readonly customerId: string;
  readonly lines: readonly OrderLine[];
  readonly total: Money;
  readonly stockReserved: boolean;
  readonly paid: boolean;
  readonly shipment: ShipmentStatus;
}

/** In the order in which a shipment passes through them. */
const shipmentStatuses = ['none', 'arranged', 'dispatched', 'delivered'] as const;
type ShipmentStatus = (typeof shipmentStatuses)[number];

export const order = decider<Order, OrderCommand, OrderEvent>({
  category: 'order',
  initial: { status: 'new' },
  decide: {
    PlaceOrder: (order, { data }) => {
      if (order.status === 'new') return [new OrderPlaced({ ...data, total: totalOf(data.lines) })];
      if (order.customerId !== data.customerId) throw new OrderIdTaken(data.orderId);
      return [];
    },
    NoteStockReserved: (order, { data: { orderId } }) =>
      order.status !== 'placed' || order.stockReserved ? [] : [new OrderStockReserved({ orderId })],
    NotePayment: (order, { data: { orderId } }) =>
      order.status !== 'placed' || order.paid ? [] : [new OrderPaid({ orderId })],
    NoteShipmentArranged: (order, { data }) =>
      order.status === 'placed' && isYetToBe(order, 'arranged') ? [new OrderShipmentArranged(data)] : [],
    NoteDispatch: (order, { data }) => (isYetToBe(order, 'dispatched') ? [new OrderDispatched(data)] : []),
    NoteDelivery: (order, { data }) => (isYetToBe(order, 'delivered') ? [new OrderDelivered(data)] : []),
    ConfirmOrder: (order, { data: { orderId } }) => {
      if (order.status === 'new') throw new OrderNotFound(orderId);
      if (order.status === 'cancelled') throw new OrderAlreadyCancelled(orderId);
      if (order.status === 'confirmed') return [];
      const { customerId, lines, total } = order;
      return [new OrderConfirmed({ orderId, customerId, lines, total })];
    },
    CancelOrder: (order, { data: { orderId, reason, customerId } }) => {
      // Another's order is answered like one that does not exist: nothing is to be learned of it.
      if (order.status === 'new' || (customerId !== undefined && customerId !== order.customerId))
        throw new OrderNotFound(orderId);
      if (order.status === 'confirmed') throw new OrderAlreadyConfirmed(orderId);
      if (order.status === 'cancelled') return [];
      return [new OrderCancelled({ orderId, customerId: order.customerId, reason })];
    },
  },
  evolve: {
    OrderPlaced: (_, { data: { customerId, lines, total } }) => ({
      status: 'placed',
      customerId,
      lines,
      total,
      stockReserved: false,
      paid: false,
      shipment: 'none',
    }),
    OrderStockReserved: (order) => changed(order, { stockReserved: true }),
    OrderPaid: (order) => changed(order, { paid: true }),
    OrderShipmentArranged: (order) => changed(order, { shipment: 'arranged' }),
    OrderDispatched: (order) => changed(order, { shipment: 'dispatched' }),
    OrderDelivered: (order) => changed(order, { shipment: 'delivered' }),
    OrderConfirmed: (order) => changed(order, { status: 'confirmed' }),
    OrderCancelled: (order) => changed(order, { status: 'cancelled' }),
  },
});

const changed = (order: Order, change: Partial<PlacedOrder>): Order =>
  order.status === 'new' ? order : { ...order, ...change };

/** What is reported late, when the shipment is further already, is no news. */
const isYetToBe = (order: Order, shipment: ShipmentStatus): boolean =>
  order.status !== 'new' && shipmentStatuses.indexOf(order.shipment) < shipmentStatuses.indexOf(shipment);

function totalOf(lines: readonly OrderLine[]): Money {
  const [first, ...others] = lines;
  if (!first) throw new InvalidOrder('An order needs at least one line.');
  const { currency } = first.unitPrice;
  if (others.some(({ unitPrice }) => unitPrice.currency !== currency))
    throw new InvalidOrder('All lines of an order must have the same currency. Place one order for each currency.');
  return { amount: lines.reduce((sum, { quantity, unitPrice }) => sum + quantity * unitPrice.amount, 0), currency };
}
