import { DomainError } from '@annals/core';

export class ShipmentNotArranged extends DomainError {
  readonly code = 'SHIPMENT_NOT_ARRANGED';

  constructor(
    readonly orderId: string,
    readonly status: string,
  ) {
    super(`The order ${orderId} has no arranged shipment (it is: ${status}). Arrange one first.`);
  }
}

export class ShipmentNotDispatched extends DomainError {
  readonly code = 'SHIPMENT_NOT_DISPATCHED';

  constructor(
    readonly orderId: string,
    readonly status: string,
  ) {
    super(`The shipment of ${orderId} cannot have arrived: it was never dispatched (it is: ${status}).`);
  }
}

export class ShipmentAlreadyDispatched extends DomainError {
  readonly code = 'SHIPMENT_ALREADY_DISPATCHED';

  constructor(readonly orderId: string) {
    super(`The shipment of ${orderId} is on its way and can no longer be called off. Let it come back as a return.`);
  }
}
