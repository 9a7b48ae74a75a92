import { Event } from '@annals/core';

export interface Money {
  /** In the currency's minor unit (cents). */
  readonly amount: number;
  /** ISO 4217. */
  readonly currency: string;
}

export class PaymentTaken extends Event('PaymentTaken')<{ orderId: string; amount: Money; paymentMethod: string }> {}
export class PaymentDeclined extends Event('PaymentDeclined')<{
  orderId: string;
  amount: Money;
  paymentMethod: string;
  reason: string;
}> {}
export class PaymentRefunded extends Event('PaymentRefunded')<{ orderId: string; amount: Money; reason: string }> {}
/** A refund came before there was anything to refund: from now on nothing is taken for this order. */
export class PaymentVoided extends Event('PaymentVoided')<{ orderId: string; reason: string }> {}

export type PaymentEvent = PaymentTaken | PaymentDeclined | PaymentRefunded | PaymentVoided;
