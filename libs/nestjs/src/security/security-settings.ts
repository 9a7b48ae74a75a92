/**
 * Whose tokens are trusted. Three ways, from the laptop to production:
 *   nothing set           a key of this machine in the runtime folder; only on loopback and not in production
 *   AUTH_KEY_FILE         a key file signs and verifies: for tests, demos, and systems without an identity provider
 *   AUTH_JWKS_URL         an identity provider's keys verify people's tokens; a key file, where there is one as well,
 *                         is then for tokens between services only
 */
import { isIP } from 'node:net';
import { join } from 'node:path';
import { ArrayNotEmpty, IsIn, IsInt, IsOptional, Matches, Max, Min } from 'class-validator';
import { FromEnvironment, parseEnvironment } from '../environment.js';
import { InvalidSettings } from '../errors.js';

/** Signatures that only the holder of a private key can make: whoever verifies cannot issue. */
export const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'Ed25519', 'EdDSA'];

const localIssuer = 'annals-local';
const localAudience = 'annals';

export class SecuritySettings {
  @FromEnvironment({
    name: 'AUTH_JWKS_URL',
    about: "where an identity provider publishes its keys (JWKS); people's tokens are verified with them",
    defaultText: 'none: the key file is used',
  })
  @IsOptional()
  @Matches(/^(https:\/\/\S+|http:\/\/(127\.\d+\.\d+\.\d+|localhost|\[::1\])(:\d+)?(\/\S*)?)$/, {
    message: 'AUTH_JWKS_URL must be an https URL (http only on loopback)',
  })
  jwksUrl?: string;

  @FromEnvironment({
    name: 'AUTH_KEY_FILE',
    about:
      'a private JWK, or a JWKS whose first private key signs, in a file that only its owner may read; beside AUTH_JWKS_URL it is for tokens between services only',
    defaultText: '`auth/local-key.json` in the runtime folder, made when it is missing; on loopback only',
  })
  @IsOptional()
  @Matches(/\S/, { message: 'AUTH_KEY_FILE must be the path of a file' })
  keyFile?: string;

  @FromEnvironment({
    name: 'AUTH_ISSUER',
    about: 'the `iss` of tokens; needed with AUTH_JWKS_URL',
    defaultText: `\`${localIssuer}\``,
  })
  @IsOptional()
  @Matches(/^\S{1,200}$/, { message: 'AUTH_ISSUER must be the issuer of the tokens, without spaces' })
  issuer?: string;

  @FromEnvironment({
    name: 'AUTH_AUDIENCE',
    about: 'the `aud` of tokens; needed with AUTH_JWKS_URL',
    defaultText: `\`${localAudience}\``,
  })
  @IsOptional()
  @Matches(/^\S{1,200}$/, { message: 'AUTH_AUDIENCE must be the audience of the tokens, without spaces' })
  audience?: string;

  @FromEnvironment({
    name: 'AUTH_ALGORITHMS',
    as: 'list',
    about: 'the only signature algorithms that are taken from keys of AUTH_JWKS_URL, separated by commas',
  })
  @ArrayNotEmpty({ message: 'AUTH_ALGORITHMS must name at least one algorithm' })
  @IsIn(algorithms, { each: true, message: `AUTH_ALGORITHMS must be some of ${algorithms.join(', ')}` })
  algorithms: string[] = ['RS256'];

  @FromEnvironment({
    name: 'AUTH_CLOCK_TOLERANCE',
    as: 'number',
    about: 'how far the clocks of issuer and verifier may be apart, in seconds',
  })
  @IsInt({ message: 'AUTH_CLOCK_TOLERANCE must be a whole number of seconds' })
  @Min(0, { message: 'AUTH_CLOCK_TOLERANCE must be 0 to 300 seconds' })
  @Max(300, { message: 'AUTH_CLOCK_TOLERANCE must be 0 to 300 seconds' })
  clockToleranceSeconds: number = 5;

  @FromEnvironment({
    name: 'AUTH_ROLES_CLAIM',
    about: "where an identity provider's tokens list the roles, for instance `realm_access.roles`",
  })
  @Matches(/^[\w:/-]+(\.[\w:/-]+)*$/, { message: 'AUTH_ROLES_CLAIM must be the path of a claim, such as roles' })
  rolesClaim: string = 'roles';
}

/** Where tokens come from that are trusted. */
export interface Trust {
  readonly audience: string;
  readonly clockToleranceSeconds: number;
  /** An identity provider. */
  readonly provider?: {
    readonly jwksUrl: URL;
    readonly issuer: string;
    readonly algorithms: readonly string[];
    readonly rolesClaim: string;
  };
  /** A key of our own. */
  readonly key?: {
    readonly file: string;
    readonly issuer: string;
    /** A missing file is made: the key of a developer's machine. */
    readonly makeIfMissing: boolean;
    /** Its tokens are good for services only: people come from the provider. */
    readonly servicesOnly: boolean;
  };
}

/** @throws InvalidSettings listing all that is wrong */
export function readTrust(environment: NodeJS.ProcessEnv): Trust {
  const { trust, problems } = parseTrust(environment);
  if (problems.length > 0) throw new InvalidSettings(problems);
  return trust;
}

export function parseTrust(environment: NodeJS.ProcessEnv): {
  readonly trust: Trust;
  readonly problems: readonly string[];
} {
  const { settings, problems } = parseEnvironment(SecuritySettings, environment);
  const { jwksUrl, keyFile, issuer, audience, clockToleranceSeconds } = settings;
  const all = [...problems, ...contradictions(settings, environment)];
  const usesLocalKey = jwksUrl === undefined && keyFile === undefined;
  const file = keyFile ?? (usesLocalKey ? localKeyFile(environment) : undefined);
  const trust: Trust = {
    audience: audience ?? localAudience,
    clockToleranceSeconds,
    ...(jwksUrl !== undefined &&
      all.length === 0 && {
        provider: {
          jwksUrl: new URL(jwksUrl),
          issuer: issuer ?? '',
          algorithms: settings.algorithms,
          rolesClaim: settings.rolesClaim,
        },
      }),
    ...(file !== undefined && {
      key: {
        file,
        issuer: jwksUrl === undefined ? (issuer ?? localIssuer) : `${localIssuer}-services`,
        makeIfMissing: usesLocalKey,
        servicesOnly: jwksUrl !== undefined,
      },
    }),
  };
  return { trust, problems: all };
}

function* contradictions(
  { jwksUrl, keyFile, issuer, audience }: SecuritySettings,
  environment: NodeJS.ProcessEnv,
): Generator<string> {
  if (jwksUrl !== undefined && issuer === undefined)
    yield 'AUTH_ISSUER must be set with AUTH_JWKS_URL: the `iss` of the tokens, for instance https://login.example.com/';
  if (jwksUrl !== undefined && audience === undefined)
    yield 'AUTH_AUDIENCE must be set with AUTH_JWKS_URL: the `aud` that tokens for this system have';
  if (jwksUrl !== undefined || keyFile !== undefined) return;
  const how = 'set AUTH_JWKS_URL (with AUTH_ISSUER and AUTH_AUDIENCE) or AUTH_KEY_FILE';
  const host = environment['HOST'] || '127.0.0.1';
  if (!isLoopback(host))
    yield `nobody's tokens are trusted, and HOST=${host} can be reached from elsewhere: ${how}; without them use HOST=127.0.0.1`;
  if (environment['NODE_ENV'] === 'production') yield `nobody's tokens are trusted in production: ${how}`;
}

/** The key of this machine: in the runtime folder, like all that is made at run time. */
export const localKeyFile = (environment: NodeJS.ProcessEnv): string =>
  join(environment['ANNALS_RUNTIME'] || '.runtime', 'auth', 'local-key.json');

/** Whether what everybody knows may do for a secret: the app listens on loopback only, and is not in production. */
export const isForDevelopment = (environment: NodeJS.ProcessEnv): boolean =>
  environment['NODE_ENV'] !== 'production' && isLoopback(environment['HOST'] || '127.0.0.1');

export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || host === '[::1]' || (isIP(host) === 4 && host.startsWith('127.'));
