import { beforeEach, describe, it } from '@jest/globals';
import { CodedError } from '@annals/core';
import { durableSagasOf, givenSaga, type SagaSpecification } from '@annals/sagas';
import { SendMail } from '../../domain/correspondence/correspondence.commands.js';
import {
  MailDeferred,
  MailGivenUp,
  MailRequested,
  MailSent,
} from '../../domain/correspondence/correspondence.events.js';
import { MailDelivery } from './mail-delivery.saga.js';

const orderId = 'o-1';
const kind = 'order-cancelled';
const requested = new MailRequested({ orderId, kind, to: 'ada@example.com', subject: { kind, reason: 'declined' } });
const deferred = (attempt: number) => new MailDeferred({ orderId, kind, attempt, reason: '451 later' });
const send = new SendMail({ orderId, kind });

class StoreAway extends CodedError {
  readonly code = 'STORE_AWAY';
  override readonly kind = 'unavailable';
}

let delivery: SagaSpecification;
beforeEach(() => {
  const [definition] = durableSagasOf(new MailDelivery());
  if (!definition) throw new Error('MailDelivery declares no saga.');
  delivery = givenSaga(definition);
});

describe('the delivery of a mail', () => {
  it('sends it, and ends when it is sent', () => {
    delivery.when(requested).thenSends(send).thenEnds(undefined);
    delivery
      .when(new MailSent({ orderId, kind, messageId: '<m-1@shop>' }))
      .thenSends()
      .thenEnds('completed');
  });

  it('sends it again after what was put off, each time later', () => {
    delivery.when(requested).thenSends(send);
    delivery.when(deferred(1)).thenSends().after('PT1.9S').thenSends().after('PT0.1S').thenSends(send);
    delivery.when(deferred(2)).after('PT3.9S').thenSends().after('PT0.1S').thenSends(send);
    delivery.when(deferred(30)).after('PT59M').thenSends().after('PT1M').thenSends(send);
  });

  it('ends when it is given up, whatever it waited for', () => {
    delivery.when(requested, deferred(1), new MailGivenUp({ orderId, kind, reason: '550' })).thenSends(send);
    delivery.thenEnds('completed').thenWaitsFor(0);
  });

  it('goes on when it could not even be tried', () => {
    delivery.rejecting(SendMail, new StoreAway('The event store is away.'));
    delivery.when(requested).thenSends(send).thenWaitsFor(1).after('PT32S').thenSends(send);
  });
});
