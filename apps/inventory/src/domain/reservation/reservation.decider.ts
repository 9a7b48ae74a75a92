/**
 *          ┌─ RecordReservation ▶ reserved ── RecordRelease ──▶ released
 *   open ──┼─ RecordRejection ──▶ rejected
 *          └─ RecordRelease ────▶ released  (so that a reservation that comes late is not made)
 */
import { decider } from '@annals/core';
import type { ReservationCommand } from './reservation.commands.js';
import {
  StockRejected,
  StockReleased,
  StockReserved,
  type ReservationEvent,
  type ReservedLine,
} from './reservation.events.js';

export interface Reservation {
  readonly status: 'open' | 'reserved' | 'rejected' | 'released';
  readonly lines: readonly ReservedLine[];
}

export const reservation = decider<Reservation, ReservationCommand, ReservationEvent>({
  category: 'reservation',
  idOf: ({ data }) => data.orderId,
  initial: { status: 'open', lines: [] },
  decide: {
    RecordReservation: ({ status }, { data }) => (status === 'open' ? [new StockReserved(data)] : []),
    RecordRejection: ({ status }, { data }) => (status === 'open' ? [new StockRejected(data)] : []),
    RecordRelease: ({ status, lines }, { data: { orderId } }) =>
      status === 'open' || status === 'reserved' ? [new StockReleased({ orderId, lines })] : [],
  },
  evolve: {
    StockReserved: (_, { data: { lines } }) => ({ status: 'reserved', lines }),
    StockRejected: () => ({ status: 'rejected', lines: [] }),
    StockReleased: () => ({ status: 'released', lines: [] }),
  },
});
