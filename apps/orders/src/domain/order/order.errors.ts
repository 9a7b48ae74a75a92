import { DomainError } from '@annals/core';

export class OrderNotFound extends DomainError {
  readonly code = 'ORDER_NOT_FOUND';
  override readonly kind = 'not-found';

  constructor(readonly orderId: string) {
    super(`There is no order ${orderId}. Check the id; a new order appears as soon as it was placed.`);
  }
}

/** The id that the client chose is another customer's order. */
export class OrderIdTaken extends DomainError {
  readonly code = 'ORDER_ID_TAKEN';
  override readonly kind = 'conflict';

  constructor(readonly orderId: string) {
    super(`The id ${orderId} is taken. Choose another one, or leave it out: then one is made.`);
  }
}

export class InvalidOrder extends DomainError {
  readonly code = 'ORDER_INVALID';
  override readonly kind = 'invalid';
}

export class OrderAlreadyConfirmed extends DomainError {
  readonly code = 'ORDER_ALREADY_CONFIRMED';

  constructor(readonly orderId: string) {
    super(`The order ${orderId} is confirmed and on its way; it can be returned, but no longer cancelled.`);
  }
}

export class OrderAlreadyCancelled extends DomainError {
  readonly code = 'ORDER_ALREADY_CANCELLED';

  constructor(readonly orderId: string) {
    super(`The order ${orderId} was cancelled and cannot be confirmed. Place a new one.`);
  }
}
