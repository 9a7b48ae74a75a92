import { describe, expect, it } from '@jest/globals';
import { InvalidSettings } from '../errors.js';
import { readTrust } from './security-settings.js';

const problemsOf = (environment: NodeJS.ProcessEnv): readonly string[] => {
  try {
    readTrust(environment);
    return [];
  } catch (error) {
    if (error instanceof InvalidSettings) return error.problems;
    throw error;
  }
};
const jwks = {
  AUTH_JWKS_URL: 'https://login.example.com/keys',
  AUTH_ISSUER: 'https://login.example.com/',
  AUTH_AUDIENCE: 'shop',
};

describe('whose tokens are trusted', () => {
  it('on a laptop: those of a key of this machine', () => {
    expect(readTrust({}).key).toMatchObject({
      file: '.runtime/auth/local-key.json',
      makeIfMissing: true,
      servicesOnly: false,
    });
    for (const HOST of ['127.0.0.1', '127.1.2.3', 'localhost', '::1']) expect(problemsOf({ HOST })).toEqual([]);
  });

  it('beyond loopback or in production it must be said', () => {
    for (const HOST of ['0.0.0.0', '::', '10.0.0.1', '127.example.com', 'shop.example.com'])
      expect(problemsOf({ HOST })).toEqual([expect.stringContaining(`HOST=${HOST}`)]);
    expect(problemsOf({ NODE_ENV: 'production' })).toEqual([expect.stringContaining('in production')]);
    for (const said of [jwks, { AUTH_KEY_FILE: '/run/secrets/key.json' }])
      expect(problemsOf({ HOST: '0.0.0.0', NODE_ENV: 'production', ...said })).toEqual([]);
  });

  it('an identity provider comes with its issuer and audience', () => {
    expect(readTrust(jwks)).toMatchObject({
      audience: 'shop',
      provider: { issuer: jwks.AUTH_ISSUER, algorithms: ['RS256'] },
    });
    expect(readTrust(jwks).key).toBeUndefined();
    expect(problemsOf({ AUTH_JWKS_URL: jwks.AUTH_JWKS_URL })).toEqual([
      expect.stringContaining('AUTH_ISSUER'),
      expect.stringContaining('AUTH_AUDIENCE'),
    ]);
  });

  it.each([
    ['AUTH_JWKS_URL', 'http://login.example.com/keys'],
    ['AUTH_JWKS_URL', 'http://127.0.0.1.example.com/keys'],
    ['AUTH_JWKS_URL', 'file:///etc/passwd'],
    ['AUTH_ALGORITHMS', 'HS256'],
    ['AUTH_ALGORITHMS', 'RS256,none'],
    ['AUTH_ALGORITHMS', ','],
    ['AUTH_CLOCK_TOLERANCE', '1h'],
    ['AUTH_CLOCK_TOLERANCE', '86400'],
    ['AUTH_ROLES_CLAIM', 'a b'],
    ['AUTH_ISSUER', 'two words'],
  ])('%s=%s is refused', (variable, value) =>
    expect(problemsOf({ ...jwks, [variable]: value })[0]).toContain(variable),
  );
});
