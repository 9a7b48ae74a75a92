/** A real SMTP server that keeps what it is given, and can be told to be difficult. */
import type { AddressInfo } from 'node:net';
import { simpleParser, type ParsedMail } from 'mailparser';
import { SMTPServer } from 'smtp-server';

/** What it says to a recipient: nothing takes the mail, a reply refuses it. */
export type Reply = { readonly code: number; readonly text: string } | undefined;

export class MailboxServer {
  /** All mails that were taken, in their order. */
  readonly mails: ParsedMail[] = [];
  /** How often a recipient was named. */
  readonly attempts = new Map<string, number>();
  /** @param attempt the how manieth for this recipient, from 1 */
  replyTo: (recipient: string, attempt: number) => Reply = () => undefined;
  private server: SMTPServer | undefined;
  private port = 0;

  get url(): string {
    return `smtp://127.0.0.1:${this.port}`;
  }

  /** Listens, where it listened before if it did. */
  async start(): Promise<this> {
    const server = new SMTPServer({
      authOptional: true,
      disabledCommands: ['STARTTLS'],
      onRcptTo: ({ address }, _, done) => {
        const attempt = (this.attempts.get(address) ?? 0) + 1;
        this.attempts.set(address, attempt);
        const reply = this.replyTo(address, attempt);
        done(reply && Object.assign(new Error(reply.text), { responseCode: reply.code }));
      },
      onData: (stream, _, done) => {
        simpleParser(stream).then((mail) => {
          this.mails.push(mail);
          done();
        }, done);
      },
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.port, '127.0.0.1', () => resolve());
    });
    this.port = (server.server.address() as AddressInfo).port;
    server.on('error', () => undefined); // connections that break off; the sender sees it too
    this.server = server;
    return this;
  }

  async stop(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    if (server) await new Promise<void>((resolve) => server.close(resolve));
  }
}
