/**
 * Sends a requested mail, then records what the server said. Looked up first, so that a command that comes again after
 * its mail was recorded sends nothing.
 *
 * A crash after the server took the mail and before that is recorded sends it a second time: no transaction spans a mail
 * server and a store. Both have the same `Message-ID`, by which servers and mail programs tell repetitions. Mails that
 * are written to a folder are named by it, so there the second is the first.
 */
import { deterministicId, inSpan, withMetadata } from '@annals/core';
import { EventStore } from '@annals/event-store';
import { DomainCommandBus } from '@annals/nestjs';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import {
  RecordDeferral,
  RecordRefusal,
  RecordSent,
  SendMail,
} from '../domain/correspondence/correspondence.commands.js';
import { correspondence } from '../domain/correspondence/correspondence.decider.js';
import { compose } from '../mail/compose.js';
import { NotificationsConfig } from '../notifications.config.js';
import { Mailer, type Outcome } from './mailer.js';

@CommandHandler(SendMail)
export class SendMailHandler implements ICommandHandler<SendMail> {
  constructor(
    private readonly bus: DomainCommandBus,
    private readonly store: EventStore,
    private readonly mailer: Mailer,
    private readonly config: NotificationsConfig,
  ) {}

  async execute({ data: { orderId, kind }, metadata }: SendMail): Promise<void> {
    const { state } = await this.store.load(correspondence, orderId);
    const mail = state.mails[kind];
    if (mail?.status !== 'requested' || state.email === undefined) return;
    const messageId = `<${deterministicId('mail', orderId, kind)}@${this.config.messageIdDomain}>`;
    const message = { messageId, to: state.email, ...compose(orderId, mail.subject) };
    const attributes = () => ({ 'annals.mail.kind': kind, 'annals.mail.id': messageId });
    const outcome = await inSpan('send mail', { kind: 'client', attributes }, () => this.mailer.send(message));
    const id = deterministicId(metadata.id ?? messageId, 'record');
    await this.bus.execute(withMetadata(saying(outcome, { orderId, kind, messageId }), { ...metadata, id }));
  }
}

function saying(outcome: Outcome, { messageId, ...mail }: RecordSent['data']) {
  if ('refused' in outcome) return new RecordRefusal({ ...mail, reason: outcome.refused });
  if ('deferred' in outcome) return new RecordDeferral({ ...mail, reason: outcome.deferred });
  return new RecordSent({ ...mail, messageId });
}
