import { BoundedContextModule } from '@annals/nestjs';
import { Module } from '@nestjs/common';
import { Mailer } from './application/mailer.js';
import { SendMailHandler } from './application/send-mail.handler.js';
import { correspondence } from './domain/correspondence/correspondence.decider.js';
import { MailsController } from './http/mails.controller.js';
import {
  onOrderCancelled,
  onOrderConfirmed,
  onOrderPlaced,
  onShipmentDispatched,
} from './integration/consumes/order-news.js';
import { mailerFor } from './mail/mailer-for.js';
import { NotificationsConfig, readNotificationsConfig } from './notifications.config.js';
import { mails } from './read-models/mail/mail.projection.js';
import { MailQueries } from './read-models/mail/mail.queries.js';
import { MailDelivery } from './sagas/mail-delivery/mail-delivery.saga.js';

/** The map: all that the notifications context is made of. */
@Module({
  imports: [
    BoundedContextModule.register({
      name: 'notifications',
      deciders: [correspondence],
      readModels: [mails],
      sagas: [MailDelivery],
      consumes: [onOrderPlaced, onOrderConfirmed, onOrderCancelled, onShipmentDispatched],
    }),
  ],
  controllers: [MailsController],
  providers: [
    { provide: NotificationsConfig, useFactory: () => readNotificationsConfig(process.env) },
    { provide: Mailer, inject: [NotificationsConfig], useFactory: mailerFor },
    SendMailHandler,
    MailQueries,
  ],
})
export class NotificationsModule {}
