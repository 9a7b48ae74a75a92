/** What can be set in the environment of the notifications context besides what all contexts have. */
import { resolve } from 'node:path';
import { InvalidSettings } from '@annals/nestjs';

export class NotificationsConfig {
  constructor(
    /** The mail server; undefined: mails are written to `outbox`. */
    readonly smtpUrl: string | undefined,
    /** Folder of mails as files. */
    readonly outbox: string,
    /** Address that mails come from, with or without a name. */
    readonly from: string,
  ) {}

  /** What stands behind the @ of a Message-ID: the domain that mails come from. */
  get messageIdDomain(): string {
    return /@([^\s>]+)/.exec(this.from)?.[1] ?? 'localhost';
  }
}

/** @throws InvalidSettings listing all that is wrong */
export function readNotificationsConfig(environment: NodeJS.ProcessEnv): NotificationsConfig {
  const smtpUrl = environment['SMTP_URL'] || undefined;
  const from = environment['MAIL_FROM'] || 'The shop <orders@annals.example>';
  const runtime = environment['ANNALS_RUNTIME'] || '.runtime';
  const problems = [
    ...(smtpUrl === undefined || (/^smtps?:\/\/./.test(smtpUrl) && URL.canParse(smtpUrl))
      ? []
      : ['SMTP_URL must be a URL such as smtp://user:password@mail.example:587 or smtps://mail.example']),
    ...(/^[^<>\r\n]*<?[^\s@<>]+@[^\s@<>]+>?$/.test(from) ? [] : [`MAIL_FROM must be an address, not '${from}'`]),
  ];
  if (problems.length > 0) throw new InvalidSettings(problems);
  return new NotificationsConfig(smtpUrl, resolve(environment['MAIL_OUTBOX'] || `${runtime}/outbox`), from);
}
