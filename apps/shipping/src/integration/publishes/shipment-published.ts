/** What other contexts may know of shipments, in the contracts' words. There is one per order, and its id says so. */
import * as contracts from '@annals/contracts';
import { publish } from '@annals/messaging';
import { referenceOf as shipmentId } from '../../application/reference.js';
import {
  ShipmentArranged,
  ShipmentCancelled,
  ShipmentDelivered,
  ShipmentDispatched,
  ShipmentRefused,
} from '../../domain/shipment/shipment.events.js';

export const shipmentArrangedV1 = publish(
  ShipmentArranged,
  ({ data: { orderId, carrier, trackingNumber } }) =>
    new contracts.ShipmentArranged({ orderId, shipmentId: shipmentId(orderId), carrier, trackingNumber }),
);

export const shipmentRefusedV1 = publish(ShipmentRefused, ({ data }) => new contracts.ShipmentRefused(data));

export const shipmentCancelledV1 = publish(
  ShipmentCancelled,
  ({ data: { orderId } }) => new contracts.ShipmentCancelled({ orderId, shipmentId: shipmentId(orderId) }),
);

export const shipmentDispatchedV1 = publish(
  ShipmentDispatched,
  ({ data: { orderId, carrier, trackingNumber } }) =>
    new contracts.ShipmentDispatched({ orderId, shipmentId: shipmentId(orderId), carrier, trackingNumber }),
);

export const shipmentDeliveredV1 = publish(
  ShipmentDelivered,
  ({ data: { orderId } }) => new contracts.ShipmentDelivered({ orderId, shipmentId: shipmentId(orderId) }),
);
