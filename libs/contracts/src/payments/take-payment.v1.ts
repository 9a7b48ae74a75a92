import { IntegrationCommand, Nested } from '@annals/messaging';
import { IsNotEmpty, IsString, MaxLength } from 'class-validator';
import { Money } from '../money.js';

export class TakePaymentData {
  @IsString()
  @IsNotEmpty()
  @MaxLength(200)
  orderId!: string;

  @IsString()
  @IsNotEmpty()
  @MaxLength(200)
  customerId!: string;

  @Nested(() => Money)
  amount!: Money;

  /** A token of the payment provider, for instance `tok_4242`; never a card number. */
  @IsString()
  @IsNotEmpty()
  @MaxLength(100)
  paymentMethod!: string;
}

/** Take the money for an order. */
export class TakePayment extends IntegrationCommand('payments.take-payment.v1', TakePaymentData, {
  subject: ({ orderId }) => orderId,
  description: 'Take the money for an order.',
  example: {
    orderId: '7f1c0d9e',
    customerId: 'customer-17',
    amount: { amount: 2500, currency: 'EUR' },
    paymentMethod: 'tok_4242',
  },
}) {}
