import { IntegrationEvent, NestedArray } from '@annals/messaging';
import { IsNotEmpty, IsString, MaxLength } from 'class-validator';
import { StockLine } from './stock-line.js';

export class StockReservedData {
  @IsString()
  @IsNotEmpty()
  @MaxLength(200)
  orderId!: string;

  @NestedArray(() => StockLine)
  lines!: StockLine[];
}

/** All lines of the order are reserved. */
export class StockReserved extends IntegrationEvent('inventory.stock-reserved.v1', StockReservedData, {
  subject: ({ orderId }) => orderId,
  description: 'All lines of the order are reserved.',
  example: { orderId: '7f1c0d9e', lines: [{ sku: 'mug-blue', quantity: 2 }] },
}) {}
