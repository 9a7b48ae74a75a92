import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createHmac, generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silent } from '@annals/core';
import { eventually } from '@annals/testing';
import { generateKeyPair, SignJWT, UnsecuredJWT, type JWTPayload } from 'jose';
import { IdentityProvider } from '../../test/identity-provider.js';
import { InvalidSettings, InvalidToken, SigningKeysUnavailable, UnusableKeyFile } from '../errors.js';
import { issueToken } from './issue-token.js';
import { makeKeyFile, readKeyFile } from './key-file.js';
import { localToken } from './local-token.js';
import { providerKeys } from './provider-keys.js';
import { readTrust } from './security-settings.js';
import { ServiceTokens } from './service-tokens.js';
import { TokenVerifier } from './token-verifier.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'annals-auth-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const verifierFor = (environment: NodeJS.ProcessEnv) => TokenVerifier.open(readTrust(environment), silent);
const operator = { subject: 'ann', roles: ['operator'] };

/** A token by the key in `file`, as it should not be. */
async function crooked(
  file: string,
  claims: Record<string, unknown>,
  header: { alg?: string; typ?: string } = {},
): Promise<string> {
  const { signing } = await readKeyFile(file);
  if (!signing) throw new Error('There is no private key.');
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT({ iss: 'annals-local', aud: 'annals', sub: 'ann', iat: now, exp: now + 60, ...claims })
    .setProtectedHeader({ alg: signing.algorithm, typ: 'at+jwt', ...header })
    .sign(signing.key);
}

describe('the key of this machine', () => {
  it('is made once, also by several at the same time, and only its owner may read it', async () => {
    const file = join(folder, 'auth', 'local-key.json');
    await Promise.all(Array.from({ length: 8 }, () => makeKeyFile(file)));
    expect(await readdir(join(folder, 'auth'))).toEqual(['local-key.json']);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const before = await readFile(file, 'utf8');
    await makeKeyFile(file);
    expect(await readFile(file, 'utf8')).toBe(before);
    expect((await readKeyFile(file)).readableByOthers).toBe(false);
  });

  it('signs tokens that every app with the same runtime folder takes', async () => {
    const environment = { ANNALS_RUNTIME: folder };
    const token = await localToken(operator, 60, environment);
    expect(await (await verifierFor(environment)).verify(token)).toEqual(operator);
    const other = await verifierFor({ ANNALS_RUNTIME: join(folder, 'other') });
    await expect(other.verify(token)).rejects.toThrow(InvalidToken);
  });
});

describe('a token is refused', () => {
  let file: string;
  let verifier: TokenVerifier;
  beforeEach(async () => {
    const environment = { ANNALS_RUNTIME: folder };
    verifier = await verifierFor(environment);
    file = join(folder, 'auth', 'local-key.json');
  });

  const now = Math.floor(Date.now() / 1000);
  it.each<[string, Record<string, unknown>, string]>([
    ['of another issuer', { iss: 'somebody' }, 'issuer is not trusted'],
    ['without an issuer', { iss: undefined }, 'issuer is not trusted'],
    ['for another audience', { aud: 'another-system' }, 'claims do not fit'],
    ['that has expired, beyond the tolerance', { exp: now - 60 }, 'expired'],
    ['without an end', { exp: undefined }, 'claims do not fit'],
    ['that is not valid yet', { nbf: now + 3_600 }, 'claims do not fit'],
    ['without a subject', { sub: undefined }, 'claims do not fit'],
    ['with an empty subject', { sub: '' }, 'subject is no id'],
    ['whose subject would break a line of a log', { sub: 'ann\nroot logged in' }, 'subject is no id'],
  ])('%s', async (_, claims, reason) => {
    await expect(verifier.verify(await crooked(file, claims))).rejects.toThrow(InvalidToken);
    await expect(verifier.verify(await crooked(file, claims))).rejects.toThrow(reason);
  });

  it('that was made for another purpose', async () => {
    await expect(verifier.verify(await crooked(file, {}, { typ: 'JWT' }))).rejects.toThrow('claims do not fit');
  });

  it('that was changed, is unsigned, is signed by a stranger, or by the public key as a secret', async () => {
    const good = await crooked(file, {});
    const [header = '', payload = '', signature = ''] = good.split('.');
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as JWTPayload;
    const raised = Buffer.from(JSON.stringify({ ...claims, roles: ['operator'] })).toString('base64url');
    const stranger = await generateKeyPair('Ed25519');
    const { x = '' } = JSON.parse(await readFile(file, 'utf8')) as { x?: string };
    const hs256 = Buffer.from(JSON.stringify({ alg: 'HS256', typ: 'at+jwt' })).toString('base64url');
    const confused = createHmac('sha256', Buffer.from(x, 'base64url'))
      .update(`${hs256}.${payload}`)
      .digest('base64url');
    for (const token of [
      `${header}.${raised}.${signature}`,
      `${header}.${payload}.`,
      new UnsecuredJWT(claims).encode(),
      await new SignJWT(claims).setProtectedHeader({ alg: 'Ed25519', typ: 'at+jwt' }).sign(stranger.privateKey),
      `${hs256}.${payload}.${confused}`,
      'a.b.c',
      'x'.repeat(10_000),
    ])
      await expect(verifier.verify(token)).rejects.toThrow(InvalidToken);
    expect(await verifier.verify(good)).toEqual({ subject: 'ann', roles: [] });
  });

  it('whose roles are no list of texts gives none', async () => {
    for (const roles of ['operator', { operator: true }, [7, null]])
      expect((await verifier.verify(await crooked(file, { roles }))).roles).toEqual([]);
  });

  it('as soon as its time is over, also when it was verified before', async () => {
    const { signing } = await readKeyFile(file);
    if (!signing) throw new Error('There is no private key.');
    const terms = { issuer: 'annals-local', audience: 'annals', validFor: 1 };
    const strict = await verifierFor({ ANNALS_RUNTIME: folder, AUTH_CLOCK_TOLERANCE: '0' });
    const token = await issueToken(signing, operator, terms);
    expect(await strict.verify(token)).toEqual(operator);
    await eventually(
      () =>
        strict.verify(token).then(
          () => false,
          () => true,
        ),
      { within: 5_000 },
    );
    await expect(strict.verify(token)).rejects.toThrow('expired');
  });
});

describe("an identity provider's tokens", () => {
  let provider: IdentityProvider;
  beforeAll(async () => {
    provider = await IdentityProvider.start();
  });
  afterAll(() => provider.goAway());

  it('are taken, with the roles where its configuration says they are', async () => {
    const verifier = await verifierFor({ ...provider.variables, AUTH_ROLES_CLAIM: 'realm_access.roles' });
    const token = await provider.token({ sub: 'ann', realm_access: { roles: ['operator'] } });
    expect(await verifier.verify(token)).toEqual({ subject: 'ann', roles: ['operator'] });
  });

  it('are verified with its keys alone: what a token brings along or points at is not looked at', async () => {
    const verifier = await verifierFor(provider.variables);
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const claims = { iss: provider.issuer, aud: provider.audience, sub: 'mallory', roles: ['operator'] };
    const stranger = await IdentityProvider.start();
    const forged = await new SignJWT(claims)
      .setExpirationTime('1m')
      .setProtectedHeader({
        alg: 'RS256',
        jku: stranger.jwksUrl,
        x5u: stranger.jwksUrl,
        jwk: publicKey.export({ format: 'jwk' }),
      })
      .sign(privateKey);
    await expect(verifier.verify(forged)).rejects.toThrow(InvalidToken);
    expect(stranger.requests).toBe(0);
    await stranger.goAway();
  });

  it('are taken after it has exchanged its keys; made-up keys do not make it be asked again and again', async () => {
    const other = await IdentityProvider.start();
    const url = new URL(other.jwksUrl);
    const [eager, calm] = [
      providerKeys({ url, log: silent, unknownKeyPauseMs: 0 }),
      providerKeys({ url, log: silent }),
    ];
    const jws = { payload: '', signature: '' };
    for (const keys of [eager, calm]) await keys({ alg: 'RS256', kid: 'first' }, jws);
    await other.exchangeKeys();
    await expect(eager({ alg: 'RS256', kid: 'second' }, jws)).resolves.toBeDefined();
    await expect(eager({ alg: 'RS256', kid: 'first' }, jws)).rejects.toMatchObject({
      code: 'ERR_JWKS_NO_MATCHING_KEY',
    });
    const asked = other.requests;
    for (let i = 0; i < 20; i++) await expect(calm({ alg: 'RS256', kid: `made-up-${i}` }, jws)).rejects.toThrow();
    expect(other.requests).toBe(asked);
    await other.goAway();
  });

  it('must be signed by one of the pinned algorithms', async () => {
    const other = await IdentityProvider.start('ES256');
    const verifier = await verifierFor(other.variables);
    await expect(verifier.verify(await other.token())).rejects.toThrow('algorithm is not allowed');
    const pinned = await verifierFor({ ...other.variables, AUTH_ALGORITHMS: 'ES256,RS256' });
    expect((await pinned.verify(await other.token())).subject).toBe('c-1');
    await other.goAway();
  });

  it('are taken by the last known keys while it is away, for a while; without any the answer is "try again"', async () => {
    const other = await IdentityProvider.start();
    const away = await verifierFor(other.variables);
    const [first, second] = [await other.token(), await other.token({ sub: 'c-2' })];
    const url = new URL(other.jwksUrl);
    const patient = providerKeys({ url, log: silent, freshForMs: 0 });
    const impatient = providerKeys({ url, log: silent, freshForMs: 0, trustedForMs: 0 });
    const header = { alg: 'RS256', kid: 'first' };
    const jws = { payload: '', signature: '' };
    await patient(header, jws);
    await impatient(header, jws);
    await other.goAway();
    await expect(patient(header, jws)).resolves.toBeDefined();
    // A millisecond old is older than 0, whenever that is.
    await eventually(async () => {
      const refused: unknown = await Promise.resolve(impatient(header, jws)).catch((error: unknown) => error);
      return refused instanceof SigningKeysUnavailable;
    });
    await expect(away.verify(first)).rejects.toThrow(SigningKeysUnavailable);
    await other.comeBack();
    expect((await away.verify(second)).subject).toBe('c-2');
    await other.goAway();
  });

  it('are the only ones for people: a key file beside it makes tokens for services', async () => {
    const file = join(folder, 'services.json');
    await makeKeyFile(file);
    const environment = { ...provider.variables, AUTH_KEY_FILE: file };
    const verifier = await verifierFor(environment);
    await expect(localToken(operator, 60, environment)).rejects.toThrow('AUTH_JWKS_URL is set');
    const forged = await verifier.issue({ subject: 'gateway', roles: ['operator', 'service'] }, 60);
    expect(await verifier.verify(forged)).toEqual({ subject: 'gateway', roles: ['service'] });
    const tokens = new ServiceTokens(verifier, 'gateway');
    expect(await verifier.verify(await tokens.token())).toEqual({ subject: 'service:gateway', roles: ['service'] });
  });
});

describe('service tokens', () => {
  it('are made once and renewed before they end', async () => {
    const verifier = await verifierFor({ ANNALS_RUNTIME: folder });
    let made = 0;
    const counting = new Proxy(verifier, {
      get: (target, property) => {
        if (property === 'issue') made++;
        const value: unknown = Reflect.get(target, property);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    const tokens = new ServiceTokens(counting, 'gateway', { validFor: 61 });
    const [first, again] = await Promise.all([tokens.token(), tokens.token()]);
    expect(again).toBe(first);
    expect(made).toBe(1);
    await eventually(async () => (await tokens.token()) !== first, { within: 5_000 });
    expect(made).toBe(2);
  });

  it('need a private key', async () => {
    const file = join(folder, 'public.json');
    const { publicKey } = generateKeyPairSync('ed25519');
    await writeFile(file, JSON.stringify({ ...publicKey.export({ format: 'jwk' }), alg: 'Ed25519' }));
    const verifier = await verifierFor({ AUTH_KEY_FILE: file });
    expect(verifier.canIssue).toBe(false);
    await expect(new ServiceTokens(verifier, 'gateway').token()).rejects.toThrow(InvalidSettings);
  });
});

describe('a key file', () => {
  it('may hold several keys, so that one can be exchanged without a gap', async () => {
    const [old, next, both] = ['old', 'next', 'both'].map((name) => join(folder, `${name}.json`));
    if (!old || !next || !both) throw new Error('unreachable');
    await Promise.all([makeKeyFile(old), makeKeyFile(next)]);
    const keys = await Promise.all(
      [next, old].map(async (file) => JSON.parse(await readFile(file, 'utf8')) as unknown),
    );
    await writeFile(both, JSON.stringify({ keys }), { mode: 0o600 });
    const verifier = await verifierFor({ AUTH_KEY_FILE: both });
    for (const file of [old, next, both])
      expect(await verifier.verify(await localToken(operator, 60, { AUTH_KEY_FILE: file }))).toEqual(operator);
    const onlyNext = await verifierFor({ AUTH_KEY_FILE: next });
    expect(await onlyNext.verify(await verifier.issue(operator, 60))).toEqual(operator);
  });

  it.each([
    ['is not there', undefined, 'ENOENT'],
    ['is no JSON', 'secret-words', 'it is no JSON'],
    ['is no key', '"text"', 'no JWK'],
    ['is empty', '{"keys":[]}', 'no key'],
    ['is a shared secret', '{"kty":"oct","k":"c2VjcmV0","alg":"HS256"}', 'shared secret'],
    ['is of an unknown algorithm', '{"kty":"RSA","n":"AQAB","e":"AQAB","alg":"RSA-OAEP"}', "'alg'"],
    ['is broken', '{"kty":"OKP","crv":"Ed25519","x":"AA","d":"AA","alg":"Ed25519"}', 'no key for'],
  ])('that %s stops the boot, and its content is not repeated', async (_, content, problem) => {
    const file = join(folder, 'key.json');
    if (content !== undefined) await writeFile(file, content);
    const opening = verifierFor({ AUTH_KEY_FILE: file });
    await expect(opening).rejects.toThrow(UnusableKeyFile);
    await expect(opening).rejects.toThrow(problem);
    await expect(opening).rejects.not.toThrow(/secret-words|c2VjcmV0/);
  });
});
