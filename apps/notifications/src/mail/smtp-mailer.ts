/** Sends by SMTP, over a few connections that are kept. */
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import nodemailer from 'nodemailer';
import { Mailer, type Message, type Outcome } from '../application/mailer.js';
import type { NotificationsConfig } from '../notifications.config.js';

const connections = 5;
/** For one step of the conversation with the server, in ms. */
const patience = { connectionTimeout: 5_000, greetingTimeout: 5_000, socketTimeout: 10_000 };
const longestReason = 300;

@Injectable()
export class SmtpMailer extends Mailer implements OnApplicationShutdown {
  private readonly transport;

  constructor(
    private readonly config: NotificationsConfig,
    smtpUrl: string,
  ) {
    super();
    this.transport = nodemailer.createTransport({
      ...connectionTo(new URL(smtpUrl)),
      ...patience,
      pool: true,
      maxConnections: connections,
    });
  }

  async send(message: Message): Promise<Outcome> {
    try {
      await this.transport.sendMail({ from: this.config.from, ...message });
      return { sent: true };
    } catch (error) {
      const reason = (error instanceof Error ? error.message : String(error)).slice(0, longestReason);
      return isFinal(error) ? { refused: reason } : { deferred: reason };
    }
  }

  onApplicationShutdown(): void {
    this.transport.close();
  }
}

/**
 * Whether the server said of this recipient or this mail that it never will take it: a reply of 5yz (RFC 5321, section
 * 4.2.1) to the envelope or the message. A 5yz to the login or the greeting is about us, and may be mended.
 */
function isFinal(error: unknown): boolean {
  const { code, responseCode = 0 } = error as { code?: unknown; responseCode?: number };
  return (code === 'EENVELOPE' || code === 'EMESSAGE') && responseCode >= 500;
}

function connectionTo(url: URL) {
  const secure = url.protocol === 'smtps:';
  const login = { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) };
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port) || (secure ? 465 : 587),
    secure,
    ...(url.username !== '' && { auth: login }),
  };
}
