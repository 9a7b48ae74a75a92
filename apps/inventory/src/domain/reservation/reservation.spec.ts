import { describe, it } from '@jest/globals';
import { specification } from '@annals/testing';
import { RecordRejection, RecordRelease, RecordReservation } from './reservation.commands.js';
import { reservation } from './reservation.decider.js';
import { StockRejected, StockReleased, StockReserved } from './reservation.events.js';

const given = specification(reservation);
const orderId = 'o-1';
const lines = [{ sku: 'tea', quantity: 2 }];
const short = [{ sku: 'cup', requested: 3, available: 1 }];
const reserve = new RecordReservation({ orderId, lines });
const reserved = new StockReserved({ orderId, lines });
const reject = new RecordRejection({ orderId, short });
const rejected = new StockRejected({ orderId, short });
const release = new RecordRelease({ orderId });

describe('a reservation', () => {
  it('is made or rejected, once', () => {
    given().when(reserve).then(reserved);
    given().when(reject).then(rejected);
    given(reserved).when(reject).then();
    given(rejected).when(reserve).then();
  });
  it('is released with its lines, once', () => {
    given(reserved).when(release).then(new StockReleased({ orderId, lines }));
    given(reserved, new StockReleased({ orderId, lines })).when(release).then();
  });
  it('is not made when the release came first', () => {
    given()
      .when(release)
      .then(new StockReleased({ orderId, lines: [] }));
    given(new StockReleased({ orderId, lines: [] }))
      .when(reserve)
      .then();
  });
  it('has nothing to release when it was rejected', () => given(rejected).when(release).then());
});
