/** The tokens with which this service calls others on its own behalf: short-lived, and renewed before they end. */
import { serviceRole } from './principal.js';
import type { TokenVerifier } from './token-verifier.js';

/** In seconds. */
const usuallyValidFor = 300;
/** A token is renewed when less than this is left of it, in ms: longer than any call takes. */
const renewBeforeMs = 60_000;

export class ServiceTokens {
  private current: { readonly token: Promise<string>; readonly renewAt: number } | undefined;

  private readonly validFor: number;

  /**
   * @param service name of the calling service; the subject of its tokens is `service:<name>`
   * @param options `validFor`: seconds, more than a minute
   */
  constructor(
    private readonly verifier: TokenVerifier,
    private readonly service: string,
    { validFor = usuallyValidFor }: { readonly validFor?: number } = {},
  ) {
    this.validFor = validFor;
  }

  /** Whether there is a private key to make them with. */
  get available(): boolean {
    return this.verifier.canIssue;
  }

  /** A token that is valid for at least another minute. @throws InvalidSettings when there is no key to sign with */
  token(): Promise<string> {
    if (this.current && Date.now() < this.current.renewAt) return this.current.token;
    const token = this.verifier.issue({ subject: `service:${this.service}`, roles: [serviceRole] }, this.validFor);
    const issued = { token, renewAt: Date.now() + this.validFor * 1000 - renewBeforeMs };
    this.current = issued;
    token.catch(() => {
      if (this.current === issued) this.current = undefined;
    });
    return token;
  }

  /** The header `Authorization` of a call to another service. @throws InvalidSettings */
  async authorization(): Promise<string> {
    return `Bearer ${await this.token()}`;
  }
}
