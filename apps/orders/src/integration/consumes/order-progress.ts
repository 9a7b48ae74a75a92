/** What others report about an order's way is noted on the order, for those who look at it. */
import {
  PaymentTaken,
  ShipmentArranged,
  ShipmentDelivered,
  ShipmentDispatched,
  StockReserved,
} from '@annals/contracts';
import { consume } from '@annals/messaging';
import {
  NoteDelivery,
  NoteDispatch,
  NotePayment,
  NoteShipmentArranged,
  NoteStockReserved,
} from '../../domain/order/order.commands.js';

export const onStockReserved = consume(StockReserved, ({ data: { orderId } }) => new NoteStockReserved({ orderId }));

export const onPaymentTaken = consume(PaymentTaken, ({ data: { orderId } }) => new NotePayment({ orderId }));

export const onShipmentArranged = consume(
  ShipmentArranged,
  ({ data: { orderId, carrier, trackingNumber } }) => new NoteShipmentArranged({ orderId, carrier, trackingNumber }),
);

export const onShipmentDispatched = consume(
  ShipmentDispatched,
  ({ data: { orderId } }) => new NoteDispatch({ orderId }),
);

export const onShipmentDelivered = consume(ShipmentDelivered, ({ data: { orderId } }) => new NoteDelivery({ orderId }));
