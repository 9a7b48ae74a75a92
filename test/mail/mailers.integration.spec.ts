/** The two mailers of notifications: against a real SMTP server, and a folder. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { simpleParser } from 'mailparser';
import { mailerFor } from '../../apps/notifications/src/mail/mailer-for.js';
import { readNotificationsConfig } from '../../apps/notifications/src/notifications.config.js';
import { SmtpMailer } from '../../apps/notifications/src/mail/smtp-mailer.js';
import { MailboxServer } from './mailbox-server.js';

const message = {
  messageId: '<m-1@annals.example>',
  to: 'ada@example.com',
  subject: 'Your order is confirmed',
  text: 'Grüße',
  html: '<p>Grüße</p>',
};

describe('mail by SMTP', () => {
  let server: MailboxServer;
  let mailer: SmtpMailer;
  beforeEach(async () => {
    server = await new MailboxServer().start();
    mailer = mailerFor(readNotificationsConfig({ SMTP_URL: server.url })) as SmtpMailer;
  });
  afterEach(async () => {
    mailer.onApplicationShutdown();
    await server.stop();
  });

  it('arrives as it was written', async () => {
    expect(await mailer.send(message)).toEqual({ sent: true });
    const [mail] = server.mails;
    expect(mail).toMatchObject({ messageId: '<m-1@annals.example>', subject: 'Your order is confirmed' });
    expect(mail?.text?.trim()).toBe('Grüße');
    expect(mail?.html).toContain('<p>Grüße</p>');
    expect(mail?.from?.value).toEqual([{ address: 'orders@annals.example', name: 'The shop' }]);
  });

  it('is deferred by 4yz (greylisting) and taken later', async () => {
    server.replyTo = (_, attempt) => (attempt === 1 ? { code: 451, text: 'greylisted, come again' } : undefined);
    expect(await mailer.send(message)).toEqual({ deferred: expect.stringContaining('greylisted') });
    expect(server.mails).toEqual([]);
    expect(await mailer.send(message)).toEqual({ sent: true });
  });

  it('is refused for good by 5yz to the recipient', async () => {
    server.replyTo = () => ({ code: 550, text: 'no such user' });
    expect(await mailer.send(message)).toEqual({ refused: expect.stringContaining('no such user') });
  });

  it('is deferred while the server is away', async () => {
    await server.stop();
    expect(await mailer.send(message)).toEqual({ deferred: expect.stringContaining('ECONNREFUSED') });
    await server.start();
    expect(await mailer.send(message)).toEqual({ sent: true });
    expect(server.mails).toHaveLength(1);
  });
});

describe('mail to a folder', () => {
  it('is one file, however often it is sent', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'annals-outbox-'));
    try {
      const mailer = mailerFor(readNotificationsConfig({ MAIL_OUTBOX: join(folder, 'outbox') }));
      for (let i = 0; i < 2; i++) expect(await mailer.send(message)).toEqual({ sent: true });
      expect(await readdir(join(folder, 'outbox'))).toEqual(['m-1.eml']);
      const mail = await simpleParser(await readFile(join(folder, 'outbox', 'm-1.eml')));
      expect(mail).toMatchObject({ messageId: message.messageId, subject: message.subject });
      expect(mail.text?.trim()).toBe('Grüße');
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('the settings of notifications', () => {
  it('refuse what is no mail server and no address', () => {
    expect(() => readNotificationsConfig({ SMTP_URL: 'mail.example', MAIL_FROM: 'nobody' })).toThrow(
      /SMTP_URL must be a URL[\s\S]*MAIL_FROM must be an address/,
    );
  });
});
