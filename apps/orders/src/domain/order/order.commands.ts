import { Command } from '@annals/core';
import type { OrderLine } from './order.events.js';

export class PlaceOrder extends Command('PlaceOrder')<{
  orderId: string;
  customerId: string;
  lines: readonly OrderLine[];
  paymentMethod: string;
}> {}
export class NoteStockReserved extends Command('NoteStockReserved')<{ orderId: string }> {}
export class NotePayment extends Command('NotePayment')<{ orderId: string }> {}
export class ConfirmOrder extends Command('ConfirmOrder')<{ orderId: string }> {}
export class CancelOrder extends Command('CancelOrder')<{ orderId: string; reason: string }> {}

export type OrderCommand = PlaceOrder | NoteStockReserved | NotePayment | ConfirmOrder | CancelOrder;
