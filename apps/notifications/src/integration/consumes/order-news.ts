/** What customers are told of, and to whom it goes. */
import { OrderCancelled, OrderConfirmed, OrderPlaced, ShipmentDispatched } from '@annals/contracts';
import { consume } from '@annals/messaging';
import { NoteRecipient, RequestMail } from '../../domain/correspondence/correspondence.commands.js';

export const onOrderPlaced = consume(
  OrderPlaced,
  ({ data: { orderId, customerId, email } }) => new NoteRecipient({ orderId, customerId, email }),
);

export const onOrderConfirmed = consume(
  OrderConfirmed,
  ({ data: { orderId, lines, total } }) =>
    new RequestMail({ orderId, subject: { kind: 'order-confirmed', lines, total } }),
);

export const onOrderCancelled = consume(
  OrderCancelled,
  ({ data: { orderId, reason } }) => new RequestMail({ orderId, subject: { kind: 'order-cancelled', reason } }),
);

export const onShipmentDispatched = consume(
  ShipmentDispatched,
  ({ data: { orderId, carrier, trackingNumber } }) =>
    new RequestMail({ orderId, subject: { kind: 'order-dispatched', carrier, trackingNumber } }),
);
