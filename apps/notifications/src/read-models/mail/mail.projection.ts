import { readModel } from '@annals/projections';
import type { EventContext } from '@annals/event-store';
import type { MailEvent } from '../../domain/correspondence/correspondence.events.js';
import { MailRow } from './mail.entity.js';

const became = (row: MailRow | undefined, change: Partial<MailRow>, { created }: EventContext) =>
  row && { ...row, ...change, updatedAt: created };

const mailId = ({ orderId, kind }: MailEvent['data']): string => `${orderId}.${kind}`;

export const mails = readModel<MailRow, MailEvent>(MailRow, {
  name: 'mail',
  version: 1,
  key: ({ data }) => mailId(data),
  on: {
    MailRequested: (_, { data: { orderId, kind, to } }, { created }) => ({
      mailId: mailId({ orderId, kind } as MailEvent['data']),
      orderId,
      kind,
      to,
      status: 'requested',
      deferrals: 0,
      reason: null,
      messageId: null,
      requestedAt: created,
      updatedAt: created,
    }),
    MailDeferred: (row, { data: { attempt, reason } }, at) =>
      became(row, { status: 'deferred', deferrals: attempt, reason }, at),
    MailSent: (row, { data: { messageId } }, at) => became(row, { status: 'sent', reason: null, messageId }, at),
    MailGivenUp: (row, { data: { reason } }, at) => became(row, { status: 'given-up', reason }, at),
  },
});
