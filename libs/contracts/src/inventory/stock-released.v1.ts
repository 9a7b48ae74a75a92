import { IntegrationEvent, NestedArray } from '@annals/messaging';
import { IsNotEmpty, IsString, MaxLength } from 'class-validator';
import { StockLine } from './stock-line.js';

export class StockReleasedData {
  @IsString()
  @IsNotEmpty()
  @MaxLength(200)
  orderId!: string;

  @NestedArray(() => StockLine)
  lines!: StockLine[];
}

/** What was reserved for the order is available again. */
export class StockReleased extends IntegrationEvent('inventory.stock-released.v1', StockReleasedData, {
  subject: ({ orderId }) => orderId,
  description: 'What was reserved for the order is available again.',
  example: { orderId: '7f1c0d9e', lines: [{ sku: 'mug-blue', quantity: 2 }] },
}) {}
