/** What other contexts may know of orders, in the contracts' words. */
import * as contracts from '@annals/contracts';
import { publish } from '@annals/messaging';
import { OrderCancelled, OrderConfirmed, OrderPlaced, type OrderLine } from '../../domain/order/order.events.js';

const toLine = ({ sku, quantity, unitPrice }: OrderLine) => ({ sku, quantity, unitPrice });

export const orderPlacedV1 = publish(
  OrderPlaced,
  ({ data: { orderId, customerId, email, lines, total } }) =>
    new contracts.OrderPlaced({ orderId, customerId, email, lines: lines.map(toLine), total }),
);

export const orderConfirmedV1 = publish(
  OrderConfirmed,
  ({ data: { orderId, customerId, lines, total } }) =>
    new contracts.OrderConfirmed({ orderId, customerId, lines: lines.map(toLine), total }),
);

export const orderCancelledV1 = publish(OrderCancelled, ({ data }) => new contracts.OrderCancelled(data));
