import { IntegrationEvent } from '@annals/messaging';
import { IsNotEmpty, IsString, MaxLength } from 'class-validator';

export class ShipmentCancelledData {
  @IsString()
  @IsNotEmpty()
  @MaxLength(200)
  orderId!: string;

  @IsString()
  @IsNotEmpty()
  @MaxLength(200)
  shipmentId!: string;
}

/** The shipment was called off before it was dispatched. */
export class ShipmentCancelled extends IntegrationEvent('shipping.shipment-cancelled.v1', ShipmentCancelledData, {
  subject: ({ orderId }) => orderId,
  description: 'The shipment was called off before it was dispatched.',
  example: { orderId: '7f1c0d9e', shipmentId: 'shipment-7f1c0d9e' },
}) {}
