import { IntegrationEvent } from '@annals/messaging';
import { IsNotEmpty, IsString, MaxLength } from 'class-validator';

export class ShipmentDispatchedData {
  @IsString()
  @IsNotEmpty()
  @MaxLength(200)
  orderId!: string;

  @IsString()
  @IsNotEmpty()
  @MaxLength(200)
  shipmentId!: string;

  @IsString()
  @IsNotEmpty()
  @MaxLength(100)
  carrier!: string;

  @IsString()
  @IsNotEmpty()
  @MaxLength(100)
  trackingNumber!: string;
}

/** The goods are on their way. */
export class ShipmentDispatched extends IntegrationEvent('shipping.shipment-dispatched.v1', ShipmentDispatchedData, {
  subject: ({ orderId }) => orderId,
  description: 'The goods are on their way.',
  example: { orderId: '7f1c0d9e', shipmentId: 'shipment-7f1c0d9e', carrier: 'postbote', trackingNumber: 'PB-000017' },
}) {}
