import { IntegrationCommand } from '@annals/messaging';
import { IsNotEmpty, IsString, MaxLength } from 'class-validator';

export class CancelShipmentData {
  @IsString()
  @IsNotEmpty()
  @MaxLength(200)
  orderId!: string;

  @IsString()
  @IsNotEmpty()
  @MaxLength(500)
  reason!: string;
}

/** Call off the shipment of an order; nothing happens when there is none. */
export class CancelShipment extends IntegrationCommand('shipping.cancel-shipment.v1', CancelShipmentData, {
  subject: ({ orderId }) => orderId,
  description: 'Call off the shipment of an order; nothing happens when there is none.',
  example: { orderId: '7f1c0d9e', reason: 'the order was cancelled' },
}) {}
