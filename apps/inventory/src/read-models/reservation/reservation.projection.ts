import { readModel } from '@annals/projections';
import type { ReservationEvent } from '../../domain/reservation/reservation.events.js';
import { ReservationRow } from './reservation.entity.js';

export const reservations = readModel<ReservationRow, ReservationEvent>(ReservationRow, {
  name: 'reservation',
  version: 1,
  key: ({ data }) => data.orderId,
  on: {
    StockReserved: (_, { data: { orderId, lines } }, { created }) => ({
      orderId,
      status: 'reserved',
      lines,
      short: [],
      updatedAt: created,
    }),
    StockRejected: (_, { data: { orderId, short } }, { created }) => ({
      orderId,
      status: 'rejected',
      lines: [],
      short,
      updatedAt: created,
    }),
    StockReleased: (_, { data: { orderId, lines } }, { created }) => ({
      orderId,
      status: 'released',
      lines,
      short: [],
      updatedAt: created,
    }),
  },
});
