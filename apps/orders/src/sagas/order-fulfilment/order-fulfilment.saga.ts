/**
 *   reserve stock ─▶ take payment ─▶ confirm
 *        │                │            └─ rejected (cancelled meanwhile) ─▶ refund, release, cancel
 *        │                └─ declined ─▶ release, cancel
 *        └─ out of stock ─▶ cancel
 */
import {
  PaymentDeclined,
  PaymentTaken,
  RefundPayment,
  ReleaseStock,
  ReserveStock,
  StockRejected,
  StockReserved,
  TakePayment,
} from '@annals/contracts';
import { DurableSaga, steps } from '@annals/sagas';
import { Injectable } from '@nestjs/common';
import { CancelOrder, ConfirmOrder } from '../../domain/order/order.commands.js';
import { OrderPlaced } from '../../domain/order/order.events.js';

@Injectable()
export class OrderFulfilment {
  @DurableSaga({ name: 'order-fulfilment', correlateBy: ({ data }) => data['orderId'] })
  readonly fulfil = steps(OrderPlaced)
    .step('reserve stock', {
      send: ({ data: { orderId, lines } }) =>
        new ReserveStock({ orderId, lines: lines.map(({ sku, quantity }) => ({ sku, quantity })) }),
      done: StockReserved,
      failed: StockRejected,
      undo: ({ data: { orderId } }) => new ReleaseStock({ orderId, reason: 'the order was cancelled' }),
      within: 'PT30S',
    })
    .step('take payment', {
      send: ({ data: { orderId, customerId, total, paymentMethod } }) =>
        new TakePayment({ orderId, customerId, amount: total, paymentMethod }),
      done: PaymentTaken,
      failed: PaymentDeclined,
      undo: ({ data: { orderId } }) => new RefundPayment({ orderId, reason: 'the order was cancelled' }),
      within: 'PT2M',
    })
    .completed(({ data: { orderId } }) => new ConfirmOrder({ orderId }))
    .compensated(({ data: { orderId } }, { reason }) => new CancelOrder({ orderId, reason }));
}
