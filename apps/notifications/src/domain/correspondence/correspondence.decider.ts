/**
 * What a customer is told about an order, each thing once. Per kind of mail:
 *
 *   RequestMail ─▶ held back ─ NoteRecipient ─▶ requested ─ RecordSent ──────▶ sent
 *        └── recipient is known ─────────────────▶ │   ▲
 *                                                  │   └─ RecordDeferral (tries left)
 *                                                  └─ RecordRefusal, or no tries left ─▶ given up
 *
 * The messages come from several contexts, in no order between them: what there is to tell may be known before whom.
 */
import { decider } from '@annals/core';
import type { CorrespondenceCommand } from './correspondence.commands.js';
import {
  MailDeferred,
  MailGivenUp,
  MailHeldBack,
  MailRequested,
  MailSent,
  RecipientNoted,
  type CorrespondenceEvent,
  type Kind,
  type Subject,
} from './correspondence.events.js';

export interface Mail {
  readonly status: 'held back' | 'requested' | 'sent' | 'given up';
  readonly subject: Subject;
  /** How often it could not be sent. */
  readonly deferrals: number;
}

export interface Correspondence {
  readonly email?: string;
  readonly mails: { readonly [K in Kind]?: Mail };
}

/** With the waits of the delivery saga, about two days. */
export const mostAttempts = 60;

export const correspondence = decider<Correspondence, CorrespondenceCommand, CorrespondenceEvent>({
  category: 'correspondence',
  idOf: ({ data }) => data.orderId,
  initial: { mails: {} },
  decide: {
    NoteRecipient: ({ email, mails }, { data }) => {
      if (email !== undefined) return [];
      const { orderId, email: to } = data;
      const requested = heldBack(mails).map(
        (subject) => new MailRequested({ orderId, kind: subject.kind, to, subject }),
      );
      return [new RecipientNoted(data), ...requested];
    },
    RequestMail: ({ email, mails }, { data: { orderId, subject } }) => {
      const { kind } = subject;
      if (mails[kind]) return [];
      return email === undefined
        ? [new MailHeldBack({ orderId, kind, subject })]
        : [new MailRequested({ orderId, kind, to: email, subject })];
    },
    RecordSent: ({ mails }, { data }) => (mails[data.kind]?.status === 'requested' ? [new MailSent(data)] : []),
    RecordDeferral: ({ mails }, { data: { orderId, kind, reason } }) => {
      const mail = mails[kind];
      if (mail?.status !== 'requested') return [];
      const attempt = mail.deferrals + 1;
      const deferred = new MailDeferred({ orderId, kind, attempt, reason });
      if (attempt < mostAttempts) return [deferred];
      return [deferred, new MailGivenUp({ orderId, kind, reason: `${attempt} attempts failed, the last: ${reason}` })];
    },
    RecordRefusal: ({ mails }, { data }) => (mails[data.kind]?.status === 'requested' ? [new MailGivenUp(data)] : []),
  },
  evolve: {
    RecipientNoted: (correspondence, { data: { email } }) => ({ ...correspondence, email }),
    MailHeldBack: (correspondence, { data: { subject } }) =>
      withMail(correspondence, subject.kind, { status: 'held back', subject, deferrals: 0 }),
    MailRequested: (correspondence, { data: { subject } }) =>
      withMail(correspondence, subject.kind, { status: 'requested', subject, deferrals: 0 }),
    MailDeferred: (correspondence, { data: { kind, attempt } }) =>
      changed(correspondence, kind, { deferrals: attempt }),
    MailSent: (correspondence, { data: { kind } }) => changed(correspondence, kind, { status: 'sent' }),
    MailGivenUp: (correspondence, { data: { kind } }) => changed(correspondence, kind, { status: 'given up' }),
  },
});

const heldBack = (mails: Correspondence['mails']): Subject[] =>
  Object.values(mails)
    .filter(({ status }) => status === 'held back')
    .map(({ subject }) => subject);

const withMail = (correspondence: Correspondence, kind: Kind, mail: Mail): Correspondence => ({
  ...correspondence,
  mails: { ...correspondence.mails, [kind]: mail },
});

function changed(correspondence: Correspondence, kind: Kind, change: Partial<Mail>): Correspondence {
  const mail = correspondence.mails[kind];
  return mail ? withMail(correspondence, kind, { ...mail, ...change }) : correspondence;
}
