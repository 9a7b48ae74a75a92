import { IntegrationEvent, Nested } from '@annals/messaging';
import { IsNotEmpty, IsString, MaxLength } from 'class-validator';
import { Money } from '../money.js';

export class PaymentDeclinedData {
  @IsString()
  @IsNotEmpty()
  @MaxLength(200)
  orderId!: string;

  @Nested(() => Money)
  amount!: Money;

  /** The provider's reason, in words for people. */
  @IsString()
  @IsNotEmpty()
  @MaxLength(500)
  reason!: string;
}

/** The money could not be taken. */
export class PaymentDeclined extends IntegrationEvent('payments.payment-declined.v1', PaymentDeclinedData, {
  subject: ({ orderId }) => orderId,
  description: 'The money could not be taken.',
  example: { orderId: '7f1c0d9e', amount: { amount: 2500, currency: 'EUR' }, reason: 'insufficient funds' },
}) {}
