import { Command } from '@annals/core';
import type { Address, Booking, Piece } from './shipment.events.js';

/** Find a carrier for an order; handled in `application/`, which asks the carrier. */
export class ArrangeShipment extends Command('ArrangeShipment')<{
  orderId: string;
  lines: readonly Piece[];
  shipTo: Address;
}> {}
/** Call a shipment off; handled in `application/`, which tells the carrier. */
export class CancelShipment extends Command('CancelShipment')<{ orderId: string; reason: string }> {}
/** Hand a shipment over; handled in `application/`, which has the carrier collect it. */
export class DispatchShipment extends Command('DispatchShipment')<{ orderId: string }> {}

/** What the carrier has said. */
export class RecordBooking extends Command('RecordBooking')<
  { orderId: string; lines: readonly Piece[]; shipTo: Address } & Booking
> {}
export class RecordRefusal extends Command('RecordRefusal')<{ orderId: string; reason: string }> {}
export class RecordCancellation extends Command('RecordCancellation')<{ orderId: string; reason: string }> {}
export class RecordDispatch extends Command('RecordDispatch')<{ orderId: string }> {}
export class RecordDelivery extends Command('RecordDelivery')<{ orderId: string }> {}

export type ShipmentCommand = RecordBooking | RecordRefusal | RecordCancellation | RecordDispatch | RecordDelivery;
