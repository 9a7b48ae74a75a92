import { BoundedContextModule } from '@annals/nestjs';
import { Module } from '@nestjs/common';
import { ReleaseStockHandler } from './application/release-stock.handler.js';
import { ReserveStockHandler } from './application/reserve-stock.handler.js';
import { reservation } from './domain/reservation/reservation.decider.js';
import { stock } from './domain/stock/stock.decider.js';
import { ReservationsController } from './http/reservations.controller.js';
import { StockController } from './http/stock.controller.js';
import { onReleaseStock, onReserveStock } from './integration/consumes/reservation-requested.js';
import { stockRejectedV1, stockReleasedV1, stockReservedV1 } from './integration/publishes/reservation-published.js';
import { reservations } from './read-models/reservation/reservation.projection.js';
import { ReservationQueries } from './read-models/reservation/reservation.queries.js';
import { stockLevel } from './read-models/stock-level/stock-level.projection.js';
import { StockLevelQueries } from './read-models/stock-level/stock-level.queries.js';

/** The map: all that the inventory context is made of. */
@Module({
  imports: [
    BoundedContextModule.register({
      name: 'inventory',
      deciders: [stock, reservation],
      readModels: [stockLevel, reservations],
      publishes: [stockReservedV1, stockRejectedV1, stockReleasedV1],
      consumes: [onReserveStock, onReleaseStock],
    }),
  ],
  controllers: [StockController, ReservationsController],
  providers: [ReserveStockHandler, ReleaseStockHandler, StockLevelQueries, ReservationQueries],
})
export class InventoryModule {}
