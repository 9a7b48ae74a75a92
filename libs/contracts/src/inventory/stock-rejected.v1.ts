import { IntegrationEvent, NestedArray } from '@annals/messaging';
import { IsNotEmpty, IsString, MaxLength } from 'class-validator';
import { ShortLine } from './short-line.js';

export class StockRejectedData {
  @IsString()
  @IsNotEmpty()
  @MaxLength(200)
  orderId!: string;

  /** The lines that there was not enough for. */
  @NestedArray(() => ShortLine)
  short!: ShortLine[];
}

/** There was not enough of something, so nothing is reserved for the order. */
export class StockRejected extends IntegrationEvent('inventory.stock-rejected.v1', StockRejectedData, {
  subject: ({ orderId }) => orderId,
  description: 'There was not enough of something, so nothing is reserved for the order.',
  example: { orderId: '7f1c0d9e', short: [{ sku: 'mug-blue', requested: 2, available: 1 }] },
}) {}
