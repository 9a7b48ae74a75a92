import { Command } from '@annals/core';
import type { Money } from './payment.events.js';

export class TakePayment extends Command('TakePayment')<{ orderId: string; amount: Money; paymentMethod: string }> {}
export class RefundPayment extends Command('RefundPayment')<{ orderId: string; reason: string }> {}

export type PaymentCommand = TakePayment | RefundPayment;
