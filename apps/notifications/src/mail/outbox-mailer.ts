/** Writes mails to a folder, as files that mail programs open: for machines without a mail server. */
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import nodemailer from 'nodemailer';
import { Mailer, type Message, type Outcome } from '../application/mailer.js';
import type { NotificationsConfig } from '../notifications.config.js';

@Injectable()
export class OutboxMailer extends Mailer {
  private readonly transport = nodemailer.createTransport({ streamTransport: true, buffer: true, newline: 'unix' });

  constructor(private readonly config: NotificationsConfig) {
    super();
  }

  /** A mail that is sent again replaces itself; nobody finds half a mail. */
  async send(message: Message): Promise<Outcome> {
    const { message: bytes } = await this.transport.sendMail({ from: this.config.from, ...message });
    const file = join(this.config.outbox, `${message.messageId.replace(/^<|@.*$/g, '')}.eml`);
    try {
      await mkdir(this.config.outbox, { recursive: true });
      await writeFile(`${file}.part`, bytes as Buffer);
      await rename(`${file}.part`, file);
      return { sent: true };
    } catch (error) {
      return { deferred: String(error) };
    }
  }
}
