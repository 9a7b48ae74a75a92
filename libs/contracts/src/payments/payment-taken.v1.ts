import { IntegrationEvent, Nested } from '@annals/messaging';
import { IsNotEmpty, IsString, MaxLength } from 'class-validator';
import { Money } from '../money.js';

export class PaymentTakenData {
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

/** The money for the order is taken. */
export class PaymentTaken extends IntegrationEvent('payments.payment-taken.v1', PaymentTakenData, {
  subject: ({ orderId }) => orderId,
  description: 'The money for the order is taken.',
  example: { orderId: '7f1c0d9e', paymentId: 'payment-7f1c0d9e', amount: { amount: 2500, currency: 'EUR' } },
}) {}
