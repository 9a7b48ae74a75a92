/**
 * Says whose a token is. Trusted are the identity provider's keys, a key of our own, or both; which of them a token is
 * checked against is decided by its issuer, and everything else about it must then fit: the signature by one of the
 * pinned algorithms, `aud`, `exp`, `nbf`. What a token names itself (`jwk`, `jku`, `x5u`) is never looked at.
 */
import { hash } from 'node:crypto';
import type { Log } from '@annals/core';
import { decodeJwt, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import { InvalidSettings, InvalidToken, SigningKeysUnavailable } from '../errors.js';
import { issueToken, tokenType } from './issue-token.js';
import { makeKeyFile, readKeyFile, type SigningKey } from './key-file.js';
import { serviceRole, type Principal } from './principal.js';
import { providerKeys } from './provider-keys.js';
import type { Trust } from './security-settings.js';

interface Issuer {
  readonly name: string;
  readonly keys: JWTVerifyGetKey;
  readonly algorithms: readonly string[];
  readonly rolesClaim: string;
  /** What else the header must say. */
  readonly type?: string;
  /** Roles that this issuer may give; undefined: any. */
  readonly mayGive?: readonly string[];
}

interface Verified {
  readonly principal: Principal;
  readonly until: number;
}

/** Longer tokens are refused unread. */
const longestToken = 8_192;
/** For so long a verified token is not verified again, in ms: a key that was withdrawn is trusted so much longer. */
const rememberedForMs = 30_000;
const rememberedTokens = 2_000;
const longestSubject = 200;

export class TokenVerifier {
  /** Tokens that were verified, by their digest; the oldest first. */
  private readonly remembered = new Map<string, Verified>();

  private constructor(
    private readonly trust: Trust,
    private readonly issuers: readonly Issuer[],
    private readonly signing: SigningKey | undefined,
  ) {}

  /** Reads, and on a developer's machine makes, the key file. @throws UnusableKeyFile */
  static async open(trust: Trust, log: Log): Promise<TokenVerifier> {
    const { provider, key } = trust;
    const issuers: Issuer[] = [];
    let signing: SigningKey | undefined;
    if (provider)
      issuers.push({
        name: provider.issuer,
        keys: providerKeys({ url: provider.jwksUrl, log }),
        algorithms: provider.algorithms,
        rolesClaim: provider.rolesClaim,
      });
    if (key) {
      if (key.makeIfMissing) await makeKeyFile(key.file);
      const file = await readKeyFile(key.file);
      if (file.readableByOthers) log.warn(`Others may read the private key in ${key.file}: chmod 600 it.`);
      signing = file.signing;
      issuers.push({
        name: key.issuer,
        keys: file.publicKeys,
        algorithms: file.algorithms,
        rolesClaim: 'roles',
        type: tokenType,
        ...(key.servicesOnly && { mayGive: [serviceRole] }),
      });
    }
    if (issuers.length === 0) throw new InvalidSettings(['nobody is trusted to issue tokens: set AUTH_KEY_FILE']);
    return new TokenVerifier(trust, issuers, signing);
  }

  /** Whether tokens can be issued here; without it services cannot call each other on their own behalf. */
  get canIssue(): boolean {
    return this.signing !== undefined;
  }

  /** @throws InvalidToken saying what is wrong with it; SigningKeysUnavailable */
  async verify(token: string): Promise<Principal> {
    if (token.length > longestToken) throw new InvalidToken('it is too long');
    const digest = hash('sha256', token, 'base64');
    const known = this.remembered.get(digest);
    if (known && known.until > Date.now()) return known.principal;
    this.remembered.delete(digest);
    const { principal, expiresAt } = await this.check(token);
    this.remember(digest, { principal, until: Math.min(expiresAt, Date.now() + rememberedForMs) });
    return principal;
  }

  /**
   * A token of our own key.
   * @param validFor seconds
   * @throws InvalidSettings when there is no private key
   */
  async issue(principal: Principal, validFor: number): Promise<string> {
    const { key, audience } = this.trust;
    if (!key || !this.signing)
      throw new InvalidSettings(['tokens are to be issued, and there is no private key: set AUTH_KEY_FILE']);
    return issueToken(this.signing, principal, { issuer: key.issuer, audience, validFor });
  }

  private async check(token: string): Promise<{ principal: Principal; expiresAt: number }> {
    const issuer = this.issuerOf(token);
    const { audience, clockToleranceSeconds: clockTolerance } = this.trust;
    try {
      const { payload } = await jwtVerify(token, issuer.keys, {
        algorithms: [...issuer.algorithms],
        issuer: issuer.name,
        audience,
        clockTolerance,
        requiredClaims: ['sub', 'exp'],
        ...(issuer.type !== undefined && { typ: issuer.type }),
      });
      return { principal: principalOf(payload, issuer), expiresAt: ((payload.exp ?? 0) + clockTolerance) * 1000 };
    } catch (error) {
      if (error instanceof InvalidToken || error instanceof SigningKeysUnavailable) throw error;
      throw new InvalidToken(reasons[(error as { code?: string }).code ?? ''] ?? 'it is malformed');
    }
  }

  /** Not yet verified: it only says what to verify the token against. */
  private issuerOf(token: string): Issuer {
    let claimed: string | undefined;
    try {
      claimed = decodeJwt(token).iss;
    } catch {
      throw new InvalidToken('it is malformed');
    }
    const issuer = this.issuers.find(({ name }) => name === claimed);
    if (!issuer) throw new InvalidToken('its issuer is not trusted');
    return issuer;
  }

  private remember(digest: string, verified: Verified): void {
    if (this.remembered.size >= rememberedTokens) {
      const [oldest] = this.remembered.keys();
      if (oldest !== undefined) this.remembered.delete(oldest);
    }
    this.remembered.set(digest, verified);
  }
}

/** What may be told of a token that is refused: enough for its owner, nothing of ours. */
const reasons: Readonly<Record<string, string>> = {
  ERR_JWT_EXPIRED: 'it has expired',
  ERR_JWT_CLAIM_VALIDATION_FAILED: 'its claims do not fit (audience, times, type)',
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED: 'its signature is wrong',
  ERR_JOSE_ALG_NOT_ALLOWED: 'its algorithm is not allowed',
  ERR_JWKS_NO_MATCHING_KEY: 'its key is not known',
};

function principalOf(payload: JWTPayload, { rolesClaim, mayGive }: Issuer): Principal {
  const { sub: subject = '' } = payload;
  // The subject goes into metadata and logs.
  if (subject.length > longestSubject || !/^[\x21-\x7e]+$/.test(subject))
    throw new InvalidToken('its subject is no id');
  const roles = rolesIn(payload, rolesClaim);
  return { subject, roles: mayGive ? roles.filter((role) => mayGive.includes(role)) : roles };
}

/** A list of texts at the path, or nothing. */
function rolesIn(payload: JWTPayload, path: string): string[] {
  const found = path
    .split('.')
    .reduce<unknown>(
      (value, name) =>
        typeof value === 'object' && value !== null && Object.hasOwn(value, name)
          ? (value as Record<string, unknown>)[name]
          : undefined,
      payload,
    );
  return Array.isArray(found) ? found.filter((role) => typeof role === 'string') : [];
}
