import { Command } from '@annals/core';
import type { ReservedLine, ShortLine } from './reservation.events.js';

/** Set aside all lines of an order or none; handled in `application/`, which asks the stock of every SKU. */
export class ReserveStock extends Command('ReserveStock')<{ orderId: string; lines: readonly ReservedLine[] }> {}
/** Undo a reservation; handled in `application/`. */
export class ReleaseStock extends Command('ReleaseStock')<{ orderId: string }> {}

/** The outcome, once every SKU has answered. */
export class RecordReservation extends Command('RecordReservation')<{
  orderId: string;
  lines: readonly ReservedLine[];
}> {}
export class RecordRejection extends Command('RecordRejection')<{ orderId: string; short: readonly ShortLine[] }> {}
export class RecordRelease extends Command('RecordRelease')<{ orderId: string }> {}

export type ReservationCommand = RecordReservation | RecordRejection | RecordRelease;
