import { Event } from '@annals/core';

export interface Money {
  /** In the currency's minor unit (cents). */
  readonly amount: number;
  /** ISO 4217. */
  readonly currency: string;
}

export interface Line {
  readonly sku: string;
  readonly quantity: number;
  readonly unitPrice: Money;
}

/** What a mail is about: its kind, and what its template needs. */
export type Subject =
  | { readonly kind: 'order-confirmed'; readonly lines: readonly Line[]; readonly total: Money }
  | { readonly kind: 'order-dispatched'; readonly carrier: string; readonly trackingNumber: string }
  | { readonly kind: 'order-cancelled'; readonly reason: string };
export type Kind = Subject['kind'];

export class RecipientNoted extends Event('RecipientNoted')<{ orderId: string; customerId: string; email: string }> {}
/** There is something to tell, and nobody known yet to tell it to. */
export class MailHeldBack extends Event('MailHeldBack')<{ orderId: string; kind: Kind; subject: Subject }> {}
export class MailRequested extends Event('MailRequested')<{
  orderId: string;
  kind: Kind;
  to: string;
  subject: Subject;
}> {}
/** It could not be sent for now. `attempt`: the how manieth, from 1. */
export class MailDeferred extends Event('MailDeferred')<{
  orderId: string;
  kind: Kind;
  attempt: number;
  reason: string;
}> {}
export class MailSent extends Event('MailSent')<{ orderId: string; kind: Kind; messageId: string }> {}
/** It will not be sent: refused for good, or tried for too long. */
export class MailGivenUp extends Event('MailGivenUp')<{ orderId: string; kind: Kind; reason: string }> {}

export type MailEvent = MailRequested | MailDeferred | MailSent | MailGivenUp;
export type CorrespondenceEvent = RecipientNoted | MailHeldBack | MailEvent;
