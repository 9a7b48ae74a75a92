/**
 * What must happen once an order is placed, in which sequence, and how it is undone:
 *
 *   placed ─▶ reserve stock ─▶ take payment ─▶ arrange shipment ─▶ confirm
 *        │                │                │                   └─ rejected (cancelled meanwhile) ─▶ cancel shipment, …
 *        │                │                └─ refused ─▶ refund, release, cancel
 *        │                └─ declined, or not paid in time ─▶ release, cancel
 *        └─ out of stock ─▶ cancel
 */
import {
  ArrangeShipment,
  CancelShipment,
  PaymentDeclined,
  PaymentTaken,
  RefundPayment,
  ReleaseStock,
  ReserveStock,
  ShipmentArranged,
  ShipmentRefused,
  StockRejected,
  StockReserved,
  TakePayment,
} from '@annals/contracts';
import { DurableSaga, steps } from '@annals/sagas';
import { Injectable } from '@nestjs/common';
import { CancelOrder, ConfirmOrder } from '../../domain/order/order.commands.js';
import { OrderPlaced, type OrderLine } from '../../domain/order/order.events.js';

const reason = 'the order was cancelled';
const pieces = (lines: readonly OrderLine[]) => lines.map(({ sku, quantity }) => ({ sku, quantity }));

@Injectable()
export class OrderFulfilment {
  @DurableSaga({ name: 'order-fulfilment', correlateBy: ({ data }) => data['orderId'] })
  readonly fulfil = steps(OrderPlaced)
    .step('reserve stock', {
      send: ({ data: { orderId, lines } }) => new ReserveStock({ orderId, lines: pieces(lines) }),
      done: StockReserved,
      failed: StockRejected,
      undo: ({ data: { orderId } }) => new ReleaseStock({ orderId, reason }),
      within: 'PT30S',
    })
    .step('take payment', {
      send: ({ data: { orderId, customerId, total, paymentMethod } }) =>
        new TakePayment({ orderId, customerId, amount: total, paymentMethod }),
      done: PaymentTaken,
      failed: PaymentDeclined,
      undo: ({ data: { orderId } }) => new RefundPayment({ orderId, reason }),
      within: ({ data: { payWithin } }) => payWithin,
    })
    .step('arrange shipment', {
      send: ({ data: { orderId, lines, shipTo } }) => new ArrangeShipment({ orderId, lines: pieces(lines), shipTo }),
      done: ShipmentArranged,
      failed: ShipmentRefused,
      undo: ({ data: { orderId } }) => new CancelShipment({ orderId, reason }),
      within: 'PT10M',
    })
    .completed(({ data: { orderId } }) => new ConfirmOrder({ orderId }))
    .compensated(({ data: { orderId } }, { reason }) => new CancelOrder({ orderId, reason }));
}
