import { Command } from '@annals/core';
import type { Address, OrderLine } from './order.events.js';

export class PlaceOrder extends Command('PlaceOrder')<{
  orderId: string;
  customerId: string;
  email: string;
  lines: readonly OrderLine[];
  shipTo: Address;
  paymentMethod: string;
  payWithin: `P${string}`;
}> {}
export class NoteStockReserved extends Command('NoteStockReserved')<{ orderId: string }> {}
export class NotePayment extends Command('NotePayment')<{ orderId: string }> {}
export class NoteShipmentArranged extends Command('NoteShipmentArranged')<{
  orderId: string;
  carrier: string;
  trackingNumber: string;
}> {}
export class NoteDispatch extends Command('NoteDispatch')<{ orderId: string }> {}
export class NoteDelivery extends Command('NoteDelivery')<{ orderId: string }> {}
export class ConfirmOrder extends Command('ConfirmOrder')<{ orderId: string }> {}
export class CancelOrder extends Command('CancelOrder')<{
  orderId: string;
  reason: string;
  /** Who wants it, when it is a customer: only their own order is cancelled. */
  customerId?: string | undefined;
}> {}

export type OrderCommand =
  | PlaceOrder
  | NoteStockReserved
  | NotePayment
  | NoteShipmentArranged
  | NoteDispatch
  | NoteDelivery
  | ConfirmOrder
  | CancelOrder;
