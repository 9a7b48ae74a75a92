import { IntegrationCommand, Nested, NestedArray } from '@annals/messaging';
import { IsNotEmpty, IsString, MaxLength } from 'class-validator';
import { StockLine } from '../inventory/stock-line.js';
import { Address } from './address.js';

export class ArrangeShipmentData {
  @IsString()
  @IsNotEmpty()
  @MaxLength(200)
  orderId!: string;

  @NestedArray(() => StockLine)
  lines!: StockLine[];

  @Nested(() => Address)
  shipTo!: Address;
}

/** Find a carrier for the order. */
export class ArrangeShipment extends IntegrationCommand('shipping.arrange-shipment.v1', ArrangeShipmentData, {
  subject: ({ orderId }) => orderId,
  description: 'Find a carrier for the order.',
  example: {
    orderId: '7f1c0d9e',
    lines: [{ sku: 'mug-blue', quantity: 2 }],
    shipTo: { name: 'Ada Lovelace', street: 'Hauptstraße 1', postcode: '10115', city: 'Berlin', country: 'DE' },
  },
}) {}
