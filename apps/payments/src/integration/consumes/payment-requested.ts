/** What other contexts may ask of payments. */
import * as contracts from '@annals/contracts';
import { consume } from '@annals/messaging';
import { RefundPayment, TakePayment } from '../../domain/payment/payment.commands.js';

export const onTakePayment = consume(
  contracts.TakePayment,
  ({ data: { orderId, amount, paymentMethod } }) => new TakePayment({ orderId, amount, paymentMethod }),
);

export const onRefundPayment = consume(contracts.RefundPayment, ({ data }) => new RefundPayment(data));
