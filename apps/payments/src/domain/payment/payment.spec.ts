import { describe, it } from '@jest/globals';
import { specification } from '@annals/testing';
import { RefundPayment, TakePayment } from './payment.commands.js';
import { payment } from './payment.decider.js';
import { PaymentDeclined, PaymentRefunded, PaymentTaken, PaymentVoided } from './payment.events.js';

const given = specification(payment);
const orderId = 'o-1';
const amount = { amount: 2100, currency: 'EUR' };
const take = new TakePayment({ orderId, amount, paymentMethod: 'tok_4242' });
const taken = new PaymentTaken({ orderId, amount, paymentMethod: 'tok_4242' });
const refund = new RefundPayment({ orderId, reason: 'cancelled' });
const refunded = new PaymentRefunded({ orderId, amount, reason: 'cancelled' });
const voided = new PaymentVoided({ orderId, reason: 'cancelled' });

describe('a payment', () => {
  it('is taken once', () => {
    given().when(take).then(taken);
    given(taken).when(take).then();
  });
  it('is declined for the test card that declines', () =>
    given()
      .when(new TakePayment({ orderId, amount, paymentMethod: 'tok_0002' }))
      .then(new PaymentDeclined({ orderId, amount, paymentMethod: 'tok_0002', reason: 'card declined' })));
  it('is refunded once, with what was taken', () => {
    given(taken).when(refund).then(refunded);
    given(taken, refunded).when(refund).then();
  });
  it('is not taken again after a refund', () => given(taken, refunded).when(take).then());
  it('is not taken when the refund came first', () => {
    given().when(refund).then(voided);
    given(voided)
      .when(take)
      .then(
        new PaymentDeclined({ orderId, amount, paymentMethod: 'tok_4242', reason: 'the order was cancelled before' }),
      );
  });
});
