import { Event } from '@annals/core';

export interface Money {
  /** In the currency's minor unit (cents). */
  readonly amount: number;
  /** ISO 4217. */
  readonly currency: string;
}

export interface OrderLine {
  readonly sku: string;
  readonly quantity: number;
  readonly unitPrice: Money;
}

export class OrderPlaced extends Event('OrderPlaced')<{
  orderId: string;
  customerId: string;
  lines: readonly OrderLine[];
  total: Money;
  /** Token of the card; the number itself never gets this far. */
  paymentMethod: string;
}> {}
export class OrderStockReserved extends Event('OrderStockReserved')<{ orderId: string }> {}
export class OrderPaid extends Event('OrderPaid')<{ orderId: string }> {}
export class OrderConfirmed extends Event('OrderConfirmed')<{
  orderId: string;
  customerId: string;
  lines: readonly OrderLine[];
  total: Money;
}> {}
export class OrderCancelled extends Event('OrderCancelled')<{ orderId: string; customerId: string; reason: string }> {}

export type OrderEvent = OrderPlaced | OrderStockReserved | OrderPaid | OrderConfirmed | OrderCancelled;
