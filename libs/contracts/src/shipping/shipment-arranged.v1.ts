import { IntegrationEvent } from '@annals/messaging';
import { IsNotEmpty, IsString, MaxLength } from 'class-validator';

export class ShipmentArrangedData {
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

/** A carrier has accepted the shipment. */
export class ShipmentArranged extends IntegrationEvent('shipping.shipment-arranged.v1', ShipmentArrangedData, {
  subject: ({ orderId }) => orderId,
  description: 'A carrier has accepted the shipment.',
  example: { orderId: '7f1c0d9e', shipmentId: 'shipment-7f1c0d9e', carrier: 'postbote', trackingNumber: 'PB-000017' },
}) {}
