/** The port to the mail server; `mail/` has what stands behind it. */
export interface Message {
  /** RFC 5322 `Message-ID`, angle brackets included: the same mail has the same, however often it is sent. */
  readonly messageId: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/** What the server said: `refused` is its final word; `deferred`: it may take it later, or is not there for now. */
export type Outcome = { readonly sent: true } | { readonly refused: string } | { readonly deferred: string };

export abstract class Mailer {
  abstract send(message: Message): Promise<Outcome>;
}
