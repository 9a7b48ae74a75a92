import { IntegrationCommand } from '@annals/messaging';
import { IsNotEmpty, IsString, MaxLength } from 'class-validator';

export class ReleaseStockData {
  @IsString()
  @IsNotEmpty()
  @MaxLength(200)
  orderId!: string;

  @IsString()
  @IsNotEmpty()
  @MaxLength(500)
  reason!: string;
}

/** Give back what is reserved for an order; nothing happens when nothing is. */
export class ReleaseStock extends IntegrationCommand('inventory.release-stock.v1', ReleaseStockData, {
  subject: ({ orderId }) => orderId,
  description: 'Give back what is reserved for an order; nothing happens when nothing is.',
  example: { orderId: '7f1c0d9e', reason: 'payment declined' },
}) {}
