import { readModel } from '@annals/projections';
import type { EventContext } from '@annals/event-store';
import type { OrderEvent } from '../../domain/order/order.events.js';
import { OrderSummary, type OrderShipment, type OrderStatus } from './order-summary.entity.js';

const asOf = ({ revision, created }: EventContext) => ({ revision, updatedAt: created });

const reached = (row: OrderSummary | undefined, status: OrderStatus, at: EventContext, reason: string | null = null) =>
  row && { ...row, status, reason, ...asOf(at) };

const shipped = (row: OrderSummary | undefined, shipment: OrderShipment, at: EventContext) =>
  row && { ...row, shipment, ...asOf(at) };

export const orderSummary = readModel<OrderSummary, OrderEvent>(OrderSummary, {
  name: 'order-summary',
  version: 3,
  key: ({ data }) => data.orderId,
  on: {
    OrderPlaced: (_, { data: { orderId, customerId, lines, shipTo, total } }, at) => ({
      orderId,
      customerId,
      status: 'placed',
      reason: null,
      lines,
      shipTo,
      shipment: null,
      trackingNumber: null,
      totalAmount: total.amount,
      currency: total.currency,
      placedAt: at.created,
      ...asOf(at),
    }),
    OrderStockReserved: (row, _, at) => reached(row, 'stock-reserved', at),
    OrderPaid: (row, _, at) => reached(row, 'paid', at),
    OrderShipmentArranged: (row, { data: { trackingNumber } }, at) => {
      const arranged = shipped(row, 'arranged', at);
      return arranged && { ...arranged, trackingNumber };
    },
    OrderDispatched: (row, _, at) => shipped(row, 'dispatched', at),
    OrderDelivered: (row, _, at) => shipped(row, 'delivered', at),
    OrderConfirmed: (row, _, at) => reached(row, 'confirmed', at),
    OrderCancelled: (row, { data }, at) => reached(row, 'cancelled', at, data.reason),
  },
});
