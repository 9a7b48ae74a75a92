/** Stock, money and shipment are certain: the goods may leave the house. */
import { OrderConfirmed } from '@annals/contracts';
import { consume } from '@annals/messaging';
import { DispatchShipment } from '../../domain/shipment/shipment.commands.js';

export const onOrderConfirmed = consume(OrderConfirmed, ({ data: { orderId } }) => new DispatchShipment({ orderId }));
