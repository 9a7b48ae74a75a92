import type { Mailer } from '../application/mailer.js';
import type { NotificationsConfig } from '../notifications.config.js';
import { OutboxMailer } from './outbox-mailer.js';
import { SmtpMailer } from './smtp-mailer.js';

/** To the mail server where there is one, else to a folder. */
export const mailerFor = (config: NotificationsConfig): Mailer =>
  config.smtpUrl === undefined ? new OutboxMailer(config) : new SmtpMailer(config, config.smtpUrl);
