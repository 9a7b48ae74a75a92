/**
 *          ┌─ TakePayment ──▶ taken ── RefundPayment ──▶ refunded
 *   none ──┼─ TakePayment ──▶ declined (its final word)
 *          └─ RefundPayment ▶ voided   (so that a payment that comes late is not taken)
 *
 * One payment per order. The card network is simulated by a pure rule: the test card 4000 0000 0000 0002 is declined.
 */
import { decider } from '@annals/core';
import type { PaymentCommand } from './payment.commands.js';
import {
  PaymentDeclined,
  PaymentRefunded,
  PaymentTaken,
  PaymentVoided,
  type Money,
  type PaymentEvent,
} from './payment.events.js';

export type Payment =
  | { readonly status: 'none' | 'declined' | 'refunded' | 'voided' }
  | { readonly status: 'taken'; readonly amount: Money };

const isDeclined = (paymentMethod: string): boolean => paymentMethod.endsWith('0002');

export const payment = decider<Payment, PaymentCommand, PaymentEvent>({
  category: 'payment',
  idOf: ({ data }) => data.orderId,
  initial: { status: 'none' },
  decide: {
    TakePayment: (payment, { data }) => {
      if (payment.status === 'voided')
        return [new PaymentDeclined({ ...data, reason: 'the order was cancelled before' })];
      if (payment.status !== 'none') return [];
      return [
        isDeclined(data.paymentMethod)
          ? new PaymentDeclined({ ...data, reason: 'card declined' })
          : new PaymentTaken(data),
      ];
    },
    RefundPayment: (payment, { data }) => {
      if (payment.status === 'none') return [new PaymentVoided(data)];
      return payment.status === 'taken' ? [new PaymentRefunded({ ...data, amount: payment.amount })] : [];
    },
  },
  evolve: {
    PaymentTaken: (_, { data: { amount } }) => ({ status: 'taken', amount }),
    PaymentDeclined: () => ({ status: 'declined' }),
    PaymentRefunded: () => ({ status: 'refunded' }),
    PaymentVoided: () => ({ status: 'voided' }),
  },
});
