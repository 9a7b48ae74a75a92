/** First recorded, so that a shipment that comes late is not arranged any more; then the carrier is told. */
import { deterministicId } from '@annals/core';
import { DomainCommandBus } from '@annals/nestjs';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { CancelShipment, RecordCancellation } from '../domain/shipment/shipment.commands.js';
import { Carrier } from './carrier.js';
import { referenceOf } from './reference.js';

@CommandHandler(CancelShipment)
export class CancelShipmentHandler implements ICommandHandler<CancelShipment> {
  constructor(
    private readonly bus: DomainCommandBus,
    private readonly carrier: Carrier,
  ) {}

  async execute({ data: { orderId, reason }, metadata }: CancelShipment): Promise<void> {
    const record = { ...metadata, id: deterministicId(metadata.id ?? orderId, 'record') };
    // Repeated after a crash it gives its first result, and the carrier is told again, which does no harm.
    const { events } = await this.bus.execute(new RecordCancellation({ orderId, reason }, record));
    if (events.length > 0) await this.carrier.cancel(referenceOf(orderId));
  }
}
