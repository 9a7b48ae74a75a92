import { IntegrationCommand, NestedArray } from '@annals/messaging';
import { IsNotEmpty, IsString, MaxLength } from 'class-validator';
import { StockLine } from './stock-line.js';

export class ReserveStockData {
  @IsString()
  @IsNotEmpty()
  @MaxLength(200)
  orderId!: string;

  @NestedArray(() => StockLine)
  lines!: StockLine[];
}

/** Reserve all lines for an order, or none. */
export class ReserveStock extends IntegrationCommand('inventory.reserve-stock.v1', ReserveStockData, {
  subject: ({ orderId }) => orderId,
  description: 'Reserve all lines for an order, or none.',
  example: { orderId: '7f1c0d9e', lines: [{ sku: 'mug-blue', quantity: 2 }] },
}) {}
