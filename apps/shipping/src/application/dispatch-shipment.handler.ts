/** Has the carrier collect an arranged shipment, then records that it is on its way. */
import { deterministicId } from '@annals/core';
import { EventStore } from '@annals/event-store';
import { DomainCommandBus } from '@annals/nestjs';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { DispatchShipment, RecordDispatch } from '../domain/shipment/shipment.commands.js';
import { shipment } from '../domain/shipment/shipment.decider.js';
import { Carrier } from './carrier.js';
import { referenceOf } from './reference.js';

@CommandHandler(DispatchShipment)
export class DispatchShipmentHandler implements ICommandHandler<DispatchShipment> {
  constructor(
    private readonly bus: DomainCommandBus,
    private readonly store: EventStore,
    private readonly carrier: Carrier,
  ) {}

  async execute({ data: { orderId }, metadata }: DispatchShipment): Promise<void> {
    const record = { ...metadata, id: deterministicId(metadata.id ?? orderId, 'record') };
    const { state } = await this.store.load(shipment, orderId);
    if (state.status === 'arranged') await this.carrier.collect(referenceOf(orderId));
    await this.bus.execute(new RecordDispatch({ orderId }, record));
  }
}
