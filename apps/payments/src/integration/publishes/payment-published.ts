/** What other contexts may know of payments, in the contracts' words. There is one payment per order, and its id says so. */
import * as contracts from '@annals/contracts';
import { publish } from '@annals/messaging';
import { PaymentDeclined, PaymentRefunded, PaymentTaken } from '../../domain/payment/payment.events.js';

const paymentId = (orderId: string): string => `payment-${orderId}`;

export const paymentTakenV1 = publish(
  PaymentTaken,
  ({ data: { orderId, amount } }) => new contracts.PaymentTaken({ orderId, paymentId: paymentId(orderId), amount }),
);

export const paymentDeclinedV1 = publish(
  PaymentDeclined,
  ({ data: { orderId, amount, reason } }) => new contracts.PaymentDeclined({ orderId, amount, reason }),
);

export const paymentRefundedV1 = publish(
  PaymentRefunded,
  ({ data: { orderId, amount } }) => new contracts.PaymentRefunded({ orderId, paymentId: paymentId(orderId), amount }),
);
