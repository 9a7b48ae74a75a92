/**
 *         ┌─ RecordBooking ──────▶ arranged ── RecordDispatch ──▶ dispatched ── RecordDelivery ──▶ delivered
 *         │                           └────── RecordCancellation ▶ cancelled
 *   none ─┼─ RecordRefusal ──────▶ refused
 *         └─ RecordCancellation ─▶ forestalled (so that a shipment that comes late is not arranged)
 *
 * One shipment per order. What the carrier says is looked up in `application/` before it is recorded here.
 */
import { decider } from '@annals/core';
import type { ShipmentCommand } from './shipment.commands.js';
import { ShipmentAlreadyDispatched, ShipmentNotArranged, ShipmentNotDispatched } from './shipment.errors.js';
import {
  ShipmentArranged,
  ShipmentCancelled,
  ShipmentDelivered,
  ShipmentDispatched,
  ShipmentForestalled,
  ShipmentRefused,
  type Booking,
  type ShipmentEvent,
} from './shipment.events.js';

export interface Shipment {
  readonly status: 'none' | 'arranged' | 'refused' | 'forestalled' | 'cancelled' | 'dispatched' | 'delivered';
  readonly booking?: Booking;
}

const forestalled = 'the order was cancelled before';

export const shipment = decider<Shipment, ShipmentCommand, ShipmentEvent>({
  category: 'shipment',
  idOf: ({ data }) => data.orderId,
  initial: { status: 'none' },
  decide: {
    RecordBooking: ({ status }, { data }) => {
      if (status === 'forestalled') return [new ShipmentRefused({ orderId: data.orderId, reason: forestalled })];
      return status === 'none' ? [new ShipmentArranged(data)] : [];
    },
    RecordRefusal: ({ status }, { data: { orderId, reason } }) => {
      if (status === 'forestalled') return [new ShipmentRefused({ orderId, reason: forestalled })];
      return status === 'none' ? [new ShipmentRefused({ orderId, reason })] : [];
    },
    RecordCancellation: ({ status }, { data }) => {
      switch (status) {
        case 'none':
          return [new ShipmentForestalled(data)];
        case 'arranged':
          return [new ShipmentCancelled(data)];
        case 'dispatched':
        case 'delivered':
          throw new ShipmentAlreadyDispatched(data.orderId);
        default:
          return [];
      }
    },
    RecordDispatch: ({ status, booking }, { data: { orderId } }) => {
      if (status === 'dispatched' || status === 'delivered') return [];
      if (status !== 'arranged' || !booking) throw new ShipmentNotArranged(orderId, status);
      return [new ShipmentDispatched({ orderId, ...booking })];
    },
    RecordDelivery: ({ status }, { data }) => {
      if (status === 'delivered') return [];
      if (status !== 'dispatched') throw new ShipmentNotDispatched(data.orderId, status);
      return [new ShipmentDelivered(data)];
    },
  },
  evolve: {
    ShipmentArranged: (_, { data: { carrier, trackingNumber } }) => ({
      status: 'arranged',
      booking: { carrier, trackingNumber },
    }),
    ShipmentRefused: () => ({ status: 'refused' }),
    ShipmentCancelled: () => ({ status: 'cancelled' }),
    ShipmentForestalled: () => ({ status: 'forestalled' }),
    ShipmentDispatched: (shipment) => ({ ...shipment, status: 'dispatched' }),
    ShipmentDelivered: (shipment) => ({ ...shipment, status: 'delivered' }),
  },
});
