/** Undoes a reservation: first recorded, so that a late reservation is not made any more, then freed SKU by SKU. */
import { deterministicId } from '@annals/core';
import { DomainCommandBus } from '@annals/nestjs';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { RecordRelease, ReleaseStock } from '../domain/reservation/reservation.commands.js';
import type { ReservationEvent } from '../domain/reservation/reservation.events.js';
import { ReleaseAllocation } from '../domain/stock/stock.commands.js';

@CommandHandler(ReleaseStock)
export class ReleaseStockHandler implements ICommandHandler<ReleaseStock> {
  constructor(private readonly bus: DomainCommandBus) {}

  async execute({ data: { orderId }, metadata }: ReleaseStock): Promise<void> {
    const id = (step: string, sku = '') => ({ ...metadata, id: deterministicId(metadata.id ?? orderId, step, sku) });
    // Repeated after a crash, the command gives its first result, and with it the lines that may still have to be freed.
    const { events } = await this.bus.execute(new RecordRelease({ orderId }, id('record')));
    for (const event of events as ReservationEvent[]) {
      if (event.type !== 'StockReleased') continue;
      for (const { sku } of event.data.lines)
        await this.bus.execute(new ReleaseAllocation({ sku, orderId }, id('release', sku)));
    }
  }
}
