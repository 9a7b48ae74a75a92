import { describe, it } from '@jest/globals';
import { specification } from '@annals/testing';
import { NoteRecipient, RecordDeferral, RecordRefusal, RecordSent, RequestMail } from './correspondence.commands.js';
import { correspondence, mostAttempts } from './correspondence.decider.js';
import {
  MailDeferred,
  MailGivenUp,
  MailHeldBack,
  MailRequested,
  MailSent,
  RecipientNoted,
  type Subject,
} from './correspondence.events.js';

const given = specification(correspondence);
const orderId = 'o-1';
const kind = 'order-cancelled';
const subject: Subject = { kind, reason: 'card declined' };
const dispatch: Subject = { kind: 'order-dispatched', carrier: 'postbote', trackingNumber: 'PB-1' };
const to = 'ada@example.com';
const who = { orderId, customerId: 'c-1', email: to };

const noted = new RecipientNoted(who);
const requested = new MailRequested({ orderId, kind, to, subject });
const sent = new MailSent({ orderId, kind, messageId: '<m-1@shop>' });
const recordSent = new RecordSent({ orderId, kind, messageId: '<m-1@shop>' });
const deferral = new RecordDeferral({ orderId, kind, reason: '451 later' });
const deferred = (attempt: number) => new MailDeferred({ orderId, kind, attempt, reason: '451 later' });
const refusal = new RecordRefusal({ orderId, kind, reason: '550 no such user' });
const refused = new MailGivenUp({ orderId, kind, reason: '550 no such user' });

describe('the correspondence about an order', () => {
  it('knows its recipient once', () => {
    given().when(new NoteRecipient(who)).then(noted);
    given(noted)
      .when(new NoteRecipient({ ...who, email: 'eve@example.com' }))
      .then();
  });
  it('has one mail of each kind', () => {
    given(noted).when(new RequestMail({ orderId, subject })).then(requested);
    given(noted, requested).when(new RequestMail({ orderId, subject })).then();
    given(noted, requested, sent).when(new RequestMail({ orderId, subject })).then();
    given(noted, requested, sent)
      .when(new RequestMail({ orderId, subject: dispatch }))
      .then(new MailRequested({ orderId, kind: 'order-dispatched', to, subject: dispatch }));
  });
  it('holds mails back until it is known to whom they go', () => {
    const held = new MailHeldBack({ orderId, kind, subject });
    given().when(new RequestMail({ orderId, subject })).then(held);
    given(held).when(new RequestMail({ orderId, subject })).then();
    given(held).when(new NoteRecipient(who)).then(noted, requested);
    given(held).when(recordSent).then();
  });
  it('is sent once', () => {
    given(noted, requested).when(recordSent).then(sent);
    given(noted, requested, sent).when(recordSent).then();
    given(noted, requested, sent).when(deferral).then();
    given(noted, requested, sent).when(refusal).then();
  });
  it('counts what was put off, and gives up in the end', () => {
    given(noted, requested).when(deferral).then(deferred(1));
    given(noted, requested, deferred(1)).when(deferral).then(deferred(2));
    const reason = `${mostAttempts} attempts failed, the last: 451 later`;
    given(noted, requested, deferred(mostAttempts - 1))
      .when(deferral)
      .then(deferred(mostAttempts), new MailGivenUp({ orderId, kind, reason }));
  });
  it('gives up what is refused for good, once', () => {
    given(noted, requested).when(refusal).then(refused);
    given(noted, requested, refused).when(refusal).then();
    given(noted, requested, refused).when(recordSent).then();
  });
});
