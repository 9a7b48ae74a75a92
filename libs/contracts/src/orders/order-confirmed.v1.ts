import { IntegrationEvent, Nested, NestedArray } from '@annals/messaging';
import { IsNotEmpty, IsString, MaxLength } from 'class-validator';
import { Money } from '../money.js';
import { OrderLine } from './order-line.js';

export class OrderConfirmedData {
  @IsString()
  @IsNotEmpty()
  @MaxLength(200)
  orderId!: string;

  @IsString()
  @IsNotEmpty()
  @MaxLength(200)
  customerId!: string;

  @NestedArray(() => OrderLine)
  lines!: OrderLine[];

  @Nested(() => Money)
  total!: Money;
}

/** Stock is reserved, the money is taken, the shipment is arranged. */
export class OrderConfirmed extends IntegrationEvent('orders.order-confirmed.v1', OrderConfirmedData, {
  subject: ({ orderId }) => orderId,
  description: 'Stock is reserved, the money is taken, the shipment is arranged.',
  example: {
    orderId: '7f1c0d9e',
    customerId: 'customer-17',
    lines: [{ sku: 'mug-blue', quantity: 2, unitPrice: { amount: 1250, currency: 'EUR' } }],
    total: { amount: 2500, currency: 'EUR' },
  },
}) {}
