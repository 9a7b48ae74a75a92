import { IntegrationEvent } from '@annals/messaging';
import { IsNotEmpty, IsString, MaxLength } from 'class-validator';

export class ShipmentDeliveredData {
  @IsString()
  @IsNotEmpty()
  @MaxLength(200)
  orderId!: string;

  @IsString()
  @IsNotEmpty()
  @MaxLength(200)
  shipmentId!: string;
}

/** The goods have arrived. */
export class ShipmentDelivered extends IntegrationEvent('shipping.shipment-delivered.v1', ShipmentDeliveredData, {
  subject: ({ orderId }) => orderId,
  description: 'The goods have arrived.',
  example: { orderId: '7f1c0d9e', shipmentId: 'shipment-7f1c0d9e' },
}) {}
