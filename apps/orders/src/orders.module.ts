import { BoundedContextModule } from '@annals/nestjs';
import { Module } from '@nestjs/common';
import { order } from './domain/order/order.decider.js';
import { OrdersController } from './http/orders.controller.js';
import {
  onPaymentTaken,
  onShipmentArranged,
  onShipmentDelivered,
  onShipmentDispatched,
  onStockReserved,
} from './integration/consumes/order-progress.js';
import { OrdersConfig, readOrdersConfig } from './orders.config.js';
import { orderCancelledV1, orderConfirmedV1, orderPlacedV1 } from './integration/publishes/order-published.js';
import { orderSummary } from './read-models/order-summary/order-summary.projection.js';
import { OrderSummaryQueries } from './read-models/order-summary/order-summary.queries.js';
import { OrderFulfilment } from './sagas/order-fulfilment/order-fulfilment.saga.js';

/** The map: all that the orders context is made of. */
@Module({
  imports: [
    BoundedContextModule.register({
      name: 'orders',
      deciders: [order],
      readModels: [orderSummary],
      sagas: [OrderFulfilment],
      publishes: [orderPlacedV1, orderConfirmedV1, orderCancelledV1],
      consumes: [onStockReserved, onPaymentTaken, onShipmentArranged, onShipmentDispatched, onShipmentDelivered],
    }),
  ],
  controllers: [OrdersController],
  providers: [{ provide: OrdersConfig, useFactory: () => readOrdersConfig(process.env) }, OrderSummaryQueries],
})
export class OrdersModule {}
