import { IntegrationEvent } from '@annals/messaging';
import { IsNotEmpty, IsString, MaxLength } from 'class-validator';

export class ShipmentRefusedData {
  @IsString()
  @IsNotEmpty()
  @MaxLength(200)
  orderId!: string;

  /** The carrier's reason, in words for people. */
  @IsString()
  @IsNotEmpty()
  @MaxLength(500)
  reason!: string;
}

/** No carrier takes the shipment. */
export class ShipmentRefused extends IntegrationEvent('shipping.shipment-refused.v1', ShipmentRefusedData, {
  subject: ({ orderId }) => orderId,
  description: 'No carrier takes the shipment.',
  example: { orderId: '7f1c0d9e', reason: 'no delivery to this address' },
}) {}
