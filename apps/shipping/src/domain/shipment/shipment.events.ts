import { Event } from '@annals/core';

export interface Piece {
  readonly sku: string;
  readonly quantity: number;
}

export interface Address {
  readonly name: string;
  readonly street: string;
  readonly postcode: string;
  readonly city: string;
  /** ISO 3166-1 alpha-2. */
  readonly country: string;
}

/** What the carrier gave for a shipment that it accepted. */
export interface Booking {
  readonly carrier: string;
  readonly trackingNumber: string;
}

export class ShipmentArranged extends Event('ShipmentArranged')<
  { orderId: string; lines: readonly Piece[]; shipTo: Address } & Booking
> {}
export class ShipmentRefused extends Event('ShipmentRefused')<{ orderId: string; reason: string }> {}
export class ShipmentCancelled extends Event('ShipmentCancelled')<{ orderId: string; reason: string }> {}
/** It was called off before it was arranged: from now on nothing is arranged for this order. */
export class ShipmentForestalled extends Event('ShipmentForestalled')<{ orderId: string; reason: string }> {}
export class ShipmentDispatched extends Event('ShipmentDispatched')<{ orderId: string } & Booking> {}
export class ShipmentDelivered extends Event('ShipmentDelivered')<{ orderId: string }> {}

export type ShipmentEvent =
  ShipmentArranged | ShipmentRefused | ShipmentCancelled | ShipmentForestalled | ShipmentDispatched | ShipmentDelivered;
