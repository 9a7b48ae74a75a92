import { IntegrationEvent, Nested, NestedArray } from '@annals/messaging';
import { IsEmail, IsNotEmpty, IsString, MaxLength } from 'class-validator';
import { Money } from '../money.js';
import { OrderLine } from './order-line.js';

export class OrderPlacedData {
  @IsString()
  @IsNotEmpty()
  @MaxLength(200)
  orderId!: string;

  @IsString()
  @IsNotEmpty()
  @MaxLength(200)
  customerId!: string;

  /** Where the customer is told of the order's way. */
  @IsEmail()
  @MaxLength(200)
  email!: string;

  @NestedArray(() => OrderLine)
  lines!: OrderLine[];

  /** What all lines cost together. */
  @Nested(() => Money)
  total!: Money;
}

/** A customer has placed an order; nothing is reserved or paid yet. */
export class OrderPlaced extends IntegrationEvent('orders.order-placed.v1', OrderPlacedData, {
  subject: ({ orderId }) => orderId,
  description: 'A customer has placed an order; nothing is reserved or paid yet.',
  example: {
    orderId: '7f1c0d9e',
    customerId: 'customer-17',
    email: 'ada@example.com',
    lines: [{ sku: 'mug-blue', quantity: 2, unitPrice: { amount: 1250, currency: 'EUR' } }],
    total: { amount: 2500, currency: 'EUR' },
  },
}) {}
