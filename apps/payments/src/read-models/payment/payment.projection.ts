import { readModel } from '@annals/projections';
import type { PaymentEvent } from '../../domain/payment/payment.events.js';
import { PaymentRow } from './payment.entity.js';

const none = { amount: null, currency: null, paymentMethod: null, reason: null };

export const payments = readModel<PaymentRow, PaymentEvent>(PaymentRow, {
  name: 'payment',
  version: 1,
  key: ({ data }) => data.orderId,
  on: {
    PaymentTaken: (_, { data: { orderId, amount, paymentMethod } }, { created }) => ({
      ...none,
      ...amount,
      orderId,
      status: 'taken',
      paymentMethod,
      updatedAt: created,
    }),
    PaymentDeclined: (_, { data: { orderId, amount, paymentMethod, reason } }, { created }) => ({
      ...amount,
      orderId,
      status: 'declined',
      paymentMethod,
      reason,
      updatedAt: created,
    }),
    PaymentRefunded: (row, { data: { orderId, amount, reason } }, { created }) => ({
      ...none,
      ...row,
      ...amount,
      orderId,
      status: 'refunded',
      reason,
      updatedAt: created,
    }),
    PaymentVoided: (_, { data: { orderId, reason } }, { created }) => ({
      ...none,
      orderId,
      status: 'voided',
      reason,
      updatedAt: created,
    }),
  },
});
