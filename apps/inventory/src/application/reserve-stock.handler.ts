/**
 * Sets aside all lines of an order or none. Every SKU answers for itself, in its own stream, and its answer is recorded
 * there under a command id made from this command's: a repetition after a crash gets the same answers and comes to the
 * same end, so the reservation is all or nothing without a transaction over streams.
 */
import { deterministicId, type CommandMetadata } from '@annals/core';
import { EventStore } from '@annals/event-store';
import { DomainCommandBus } from '@annals/nestjs';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { RecordRejection, RecordReservation, ReserveStock } from '../domain/reservation/reservation.commands.js';
import { reservation } from '../domain/reservation/reservation.decider.js';
import type { ReservedLine, ShortLine } from '../domain/reservation/reservation.events.js';
import { AllocateStock, ReleaseAllocation } from '../domain/stock/stock.commands.js';
import type { StockEvent } from '../domain/stock/stock.events.js';

@CommandHandler(ReserveStock)
export class ReserveStockHandler implements ICommandHandler<ReserveStock> {
  constructor(
    private readonly bus: DomainCommandBus,
    private readonly store: EventStore,
  ) {}

  async execute({ data: { orderId, lines: requested }, metadata }: ReserveStock): Promise<void> {
    const id = (step: string, sku = '') => ({ ...metadata, id: deterministicId(metadata.id ?? orderId, step, sku) });
    const { state } = await this.store.load(reservation, orderId);
    if (state.status !== 'open') return;

    const lines = perSku(requested);
    const short: ShortLine[] = [];
    for (const line of lines) {
      const { events } = await this.bus.execute(new AllocateStock({ ...line, orderId }, id('allocate', line.sku)));
      const refused = (events as StockEvent[]).find((event) => event.type === 'StockAllocationRefused');
      if (refused) short.push({ sku: line.sku, requested: line.quantity, available: refused.data.available });
    }
    const outcome =
      short.length === 0
        ? new RecordReservation({ orderId, lines }, id('record'))
        : new RecordRejection({ orderId, short }, id('record'));
    const { events } = await this.bus.execute(outcome);
    // No events: the order was released meanwhile, so nothing may stay set aside for it.
    if (short.length > 0 || events.length === 0) await this.release(orderId, lines, id);
  }

  private async release(
    orderId: string,
    lines: readonly ReservedLine[],
    id: (step: string, sku: string) => CommandMetadata,
  ): Promise<void> {
    for (const { sku } of lines) await this.bus.execute(new ReleaseAllocation({ sku, orderId }, id('release', sku)));
  }
}

/** One line for each SKU, in the order in which they came: a SKU named twice is asked once, for the sum. */
function perSku(lines: readonly ReservedLine[]): ReservedLine[] {
  const quantities = new Map<string, number>();
  for (const { sku, quantity } of lines) quantities.set(sku, (quantities.get(sku) ?? 0) + quantity);
  return [...quantities].map(([sku, quantity]) => ({ sku, quantity }));
}
