import type { EventContext } from '@annals/event-store';
import { readModel } from '@annals/projections';
import type { ShipmentEvent } from '../../domain/shipment/shipment.events.js';
import { ShipmentRow, type ShipmentStatus } from './shipment.entity.js';

const none = { carrier: null, trackingNumber: null, lines: [], shipTo: null };

/** What it was before, or nothing, in its new status. */
const became = (
  row: ShipmentRow | undefined,
  status: ShipmentStatus,
  { orderId, reason = null }: { orderId: string; reason?: string | null },
  { created }: EventContext,
): ShipmentRow => ({ ...none, ...row, orderId, status, reason, updatedAt: created });

export const shipments = readModel<ShipmentRow, ShipmentEvent>(ShipmentRow, {
  name: 'shipment',
  version: 1,
  key: ({ data }) => data.orderId,
  on: {
    ShipmentArranged: (_, { data: { orderId, carrier, trackingNumber, lines, shipTo } }, { created }) => ({
      orderId,
      status: 'arranged',
      carrier,
      trackingNumber,
      lines,
      shipTo,
      reason: null,
      updatedAt: created,
    }),
    ShipmentRefused: (row, { data }, at) => became(row, 'refused', data, at),
    ShipmentCancelled: (row, { data }, at) => became(row, 'cancelled', data, at),
    ShipmentForestalled: (row, { data }, at) => became(row, 'cancelled', data, at),
    ShipmentDispatched: (row, { data: { orderId } }, at) => became(row, 'dispatched', { orderId }, at),
    ShipmentDelivered: (row, { data }, at) => became(row, 'delivered', data, at),
  },
});
