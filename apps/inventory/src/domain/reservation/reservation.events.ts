import { Event } from '@annals/core';

export interface ReservedLine {
  readonly sku: string;
  readonly quantity: number;
}

export interface ShortLine {
  readonly sku: string;
  readonly requested: number;
  readonly available: number;
}

export class StockReserved extends Event('StockReserved')<{ orderId: string; lines: readonly ReservedLine[] }> {}
export class StockRejected extends Event('StockRejected')<{ orderId: string; short: readonly ShortLine[] }> {}
/** `lines` is empty when the release came before there was a reservation; from then on there will be none. */
export class StockReleased extends Event('StockReleased')<{ orderId: string; lines: readonly ReservedLine[] }> {}

export type ReservationEvent = StockReserved | StockRejected | StockReleased;
