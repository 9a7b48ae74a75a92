/** Makes tokens with a key of our own: for services, for operators on the command line, and for tests. */
import { SignJWT } from 'jose';
import type { Principal } from './principal.js';
import type { SigningKey } from './key-file.js';

export interface TokenTerms {
  readonly issuer: string;
  readonly audience: string;
  /** Seconds from now. */
  readonly validFor: number;
}

/** Access tokens say so (RFC 9068): what was signed for another purpose is none. */
export const tokenType = 'at+jwt';

export const issueToken = (
  { key, algorithm, id }: SigningKey,
  { subject, roles }: Principal,
  { issuer, audience, validFor }: TokenTerms,
): Promise<string> => {
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT({ roles: [...roles] })
    .setProtectedHeader({ alg: algorithm, kid: id, typ: tokenType })
    .setIssuer(issuer)
    .setAudience(audience)
    .setSubject(subject)
    .setIssuedAt(now)
    .setExpirationTime(now + validFor)
    .sign(key);
};
