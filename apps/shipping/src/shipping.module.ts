import { BoundedContextModule, ResilienceModule } from '@annals/nestjs';
import { Dependencies } from '@annals/resilience';
import { Module } from '@nestjs/common';
import { ArrangeShipmentHandler } from './application/arrange-shipment.handler.js';
import { CancelShipmentHandler } from './application/cancel-shipment.handler.js';
import { Carrier } from './application/carrier.js';
import { DispatchShipmentHandler } from './application/dispatch-shipment.handler.js';
import { carrierDependency, HttpCarrier } from './carrier/http-carrier.js';
import { shipment } from './domain/shipment/shipment.decider.js';
import { CarrierReportsController } from './http/carrier-reports.controller.js';
import { ShipmentsController } from './http/shipments.controller.js';
import { onOrderConfirmed } from './integration/consumes/order-confirmed.js';
import { onArrangeShipment, onCancelShipment } from './integration/consumes/shipment-requested.js';
import {
  shipmentArrangedV1,
  shipmentCancelledV1,
  shipmentDeliveredV1,
  shipmentDispatchedV1,
  shipmentRefusedV1,
} from './integration/publishes/shipment-published.js';
import { shipments } from './read-models/shipment/shipment.projection.js';
import { ShipmentQueries } from './read-models/shipment/shipment.queries.js';
import { readShippingConfig, ShippingConfig } from './shipping.config.js';

/** The map: all that the shipping context is made of. */
@Module({
  imports: [
    ResilienceModule.register([carrierDependency]),
    BoundedContextModule.register({
      name: 'shipping',
      deciders: [shipment],
      readModels: [shipments],
      publishes: [
        shipmentArrangedV1,
        shipmentRefusedV1,
        shipmentCancelledV1,
        shipmentDispatchedV1,
        shipmentDeliveredV1,
      ],
      consumes: [onArrangeShipment, onCancelShipment, onOrderConfirmed],
    }),
  ],
  controllers: [ShipmentsController, CarrierReportsController],
  providers: [
    { provide: ShippingConfig, useFactory: () => readShippingConfig(process.env) },
    {
      provide: Carrier,
      inject: [ShippingConfig, Dependencies],
      useFactory: (config: ShippingConfig, dependencies: Dependencies) => new HttpCarrier(config, dependencies),
    },
    ArrangeShipmentHandler,
    CancelShipmentHandler,
    DispatchShipmentHandler,
    ShipmentQueries,
  ],
})
export class ShippingModule {}
