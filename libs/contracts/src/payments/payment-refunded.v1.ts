import { IntegrationEvent, Nested } from '@annals/messaging';
import { IsNotEmpty, IsString, MaxLength } from 'class-validator';
import { Money } from '../money.js';

export class PaymentRefundedData {
  @IsString()
  @IsNotEmpty()
  @MaxLength(200)
  orderId!: string;

  @IsString()
  @IsNotEmpty()
  @MaxLength(200)
  paymentId!: string;

  @Nested(() => Money)
  amount!: Money;
}

/** The money that was taken for the order is given back. */
export class PaymentRefunded extends IntegrationEvent('payments.payment-refunded.v1', PaymentRefundedData, {
  subject: ({ orderId }) => orderId,
  description: 'The money that was taken for the order is given back.',
  example: { orderId: '7f1c0d9e', paymentId: 'payment-7f1c0d9e', amount: { amount: 2500, currency: 'EUR' } },
}) {}
