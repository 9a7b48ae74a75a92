/** What other contexts may ask of shipping. */
import * as contracts from '@annals/contracts';
import { consume } from '@annals/messaging';
import { ArrangeShipment, CancelShipment } from '../../domain/shipment/shipment.commands.js';

export const onArrangeShipment = consume(
  contracts.ArrangeShipment,
  ({ data: { orderId, lines, shipTo } }) => new ArrangeShipment({ orderId, lines, shipTo }),
);

export const onCancelShipment = consume(contracts.CancelShipment, ({ data }) => new CancelShipment(data));
