/** What others report about an order's way is noted on the order, for those who look at it. */
import { PaymentTaken, StockReserved } from '@annals/contracts';
import { consume } from '@annals/messaging';
import { NotePayment, NoteStockReserved } from '../../domain/order/order.commands.js';

export const onStockReserved = consume(StockReserved, ({ data: { orderId } }) => new NoteStockReserved({ orderId }));

export const onPaymentTaken = consume(PaymentTaken, ({ data: { orderId } }) => new NotePayment({ orderId }));
