/**
 * Asks the carrier, then records its answer. The carrier knows the shipment by its reference, so a crash between the two
 * leads to the same booking again. While the carrier gives no answer the command fails as `unavailable`: its message
 * stays in hand and is tried again, and how long that may go on is for the one to say who wants the shipment. Is it called
 * off while the carrier is being asked, then `cancel-shipment.handler.ts` tells the carrier, which takes no such booking
 * back.
 */
import { deterministicId } from '@annals/core';
import { EventStore } from '@annals/event-store';
import { DomainCommandBus } from '@annals/nestjs';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { ArrangeShipment, RecordBooking, RecordRefusal } from '../domain/shipment/shipment.commands.js';
import { shipment } from '../domain/shipment/shipment.decider.js';
import { Carrier } from './carrier.js';
import { referenceOf } from './reference.js';

@CommandHandler(ArrangeShipment)
export class ArrangeShipmentHandler implements ICommandHandler<ArrangeShipment> {
  constructor(
    private readonly bus: DomainCommandBus,
    private readonly store: EventStore,
    private readonly carrier: Carrier,
  ) {}

  async execute({ data, metadata }: ArrangeShipment): Promise<void> {
    const { orderId, lines, shipTo } = data;
    const record = { ...metadata, id: deterministicId(metadata.id ?? orderId, 'record') };
    const { state } = await this.store.load(shipment, orderId);
    if (state.status === 'forestalled') {
      await this.bus.execute(new RecordRefusal({ orderId, reason: 'called off' }, record));
      return;
    }
    if (state.status !== 'none') return;

    const reference = referenceOf(orderId);
    const answer = await this.carrier.book({ reference, pieces: lines, shipTo });
    const outcome =
      'refused' in answer
        ? new RecordRefusal({ orderId, reason: answer.refused }, record)
        : new RecordBooking({ ...data, ...answer }, record);
    await this.bus.execute(outcome);
  }
}
