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

export interface Address {
  readonly name: string;
  readonly street: string;
  readonly postcode: string;
  readonly city: string;
  /** ISO 3166-1 alpha-2. */
  readonly country: string;
}

export class OrderPlaced extends Event('OrderPlaced')<{
  orderId: string;
  customerId: string;
  /** Where the customer is told of the order's way. */
  email: string;
  lines: readonly OrderLine[];
  shipTo: Address;
  total: Money;
  /** Token of the card; the number itself never gets this far. */
  paymentMethod: string;
  /** ISO 8601 duration: how long the payment may take. As agreed when the order was placed, whatever is agreed later. */
  payWithin: `P${string}`;
}> {}
export class OrderStockReserved extends Event('OrderStockReserved')<{ orderId: string }> {}
export class OrderPaid extends Event('OrderPaid')<{ orderId: string }> {}
export class OrderShipmentArranged extends Event('OrderShipmentArranged')<{
  orderId: string;
  carrier: string;
  trackingNumber: string;
}> {}
export class OrderConfirmed extends Event('OrderConfirmed')<{
  orderId: string;
  customerId: string;
  lines: readonly OrderLine[];
  total: Money;
}> {}
export class OrderCancelled extends Event('OrderCancelled')<{ orderId: string; customerId: string; reason: string }> {}
export class OrderDispatched extends Event('OrderDispatched')<{ orderId: string }> {}
export class OrderDelivered extends Event('OrderDelivered')<{ orderId: string }> {}

export type OrderEvent =
  | OrderPlaced
  | OrderStockReserved
  | OrderPaid
  | OrderShipmentArranged
  | OrderConfirmed
  | OrderCancelled
  | OrderDispatched
  | OrderDelivered;
