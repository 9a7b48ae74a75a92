/** What other contexts may know of reservations, in the contracts' words. */
import * as contracts from '@annals/contracts';
import { publish } from '@annals/messaging';
import { StockRejected, StockReleased, StockReserved } from '../../domain/reservation/reservation.events.js';

export const stockReservedV1 = publish(
  StockReserved,
  ({ data: { orderId, lines } }) => new contracts.StockReserved({ orderId, lines: [...lines] }),
);

export const stockRejectedV1 = publish(
  StockRejected,
  ({ data: { orderId, short } }) => new contracts.StockRejected({ orderId, short: [...short] }),
);

/** A release before there was a reservation frees nothing, and is nobody else's business. */
export const stockReleasedV1 = publish(StockReleased, ({ data: { orderId, lines } }) =>
  lines.length > 0 ? new contracts.StockReleased({ orderId, lines: [...lines] }) : undefined,
);
