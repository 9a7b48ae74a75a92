/** How to reach NATS: a URL, and what the environment says about credentials and TLS. */
import { readFileSync } from 'node:fs';
import {
  credsAuthenticator,
  nkeyAuthenticator,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
  type Authenticator,
  type ConnectionOptions,
} from '@nats-io/transport-node';
import { InvalidMessagingSettings } from '../errors.js';

export interface NatsSettings {
  /**
   * One or more addresses separated by commas: `nats://host:4222`, `nats://user:password@host`, `nats://token@host`,
   * `tls://host` (encrypted from what the server offers on).
   */
  readonly url: string;
  /** Path of a credentials file (JWT and seed), as `nsc` writes it. */
  readonly credsFile?: string;
  /** Path of a file with an nkey seed. */
  readonly nkeyFile?: string;
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
  /** Paths of PEM files. Any of them asks for TLS. */
  readonly tlsCaFile?: string;
  readonly tlsCertFile?: string;
  readonly tlsKeyFile?: string;
}

/** Which variable of the environment says what. */
const variables = {
  credsFile: 'NATS_CREDS',
  nkeyFile: 'NATS_NKEY',
  user: 'NATS_USER',
  password: 'NATS_PASSWORD',
  token: 'NATS_TOKEN',
  tlsCaFile: 'NATS_TLS_CA',
  tlsCertFile: 'NATS_TLS_CERT',
  tlsKeyFile: 'NATS_TLS_KEY',
} as const;

/** Settings from `NATS_URL` and its companions; empty variables count as not set. */
export function natsSettings(
  environment: Readonly<Record<string, string | undefined>>,
  defaultUrl = 'nats://127.0.0.1:4222',
): NatsSettings {
  const given = Object.entries(variables).flatMap(([field, variable]) => {
    const value = environment[variable];
    return value ? [[field, value] as const] : [];
  });
  return { url: environment['NATS_URL'] || defaultUrl, ...Object.fromEntries(given) };
}

/**
 * What the client wants to know. Reads the files, so that changed ones count at the next connection.
 * @throws InvalidMessagingSettings listing everything that is wrong
 */
export function connectionOptions(settings: NatsSettings): ConnectionOptions {
  const problems: string[] = [];
  const addresses = settings.url.split(',').map((text) => parseAddress(text.trim(), problems));
  const [first] = addresses;
  if (problems.length > 0 || !first) throw new InvalidMessagingSettings(problems);
  const { tlsCaFile, tlsCertFile, tlsKeyFile } = settings;
  const encrypted =
    addresses.some(({ protocol }) => protocol === 'tls:') || [tlsCaFile, tlsCertFile, tlsKeyFile].some(Boolean);
  const authenticator = authentication(settings, first);
  return {
    servers: addresses.map(({ host }) => host),
    ...(authenticator && { authenticator }),
    ...(encrypted && {
      tls: {
        ...(tlsCaFile !== undefined && { caFile: tlsCaFile }),
        ...(tlsCertFile !== undefined && { certFile: tlsCertFile }),
        ...(tlsKeyFile !== undefined && { keyFile: tlsKeyFile }),
      },
    }),
  };
}

function parseAddress(text: string, problems: string[]): URL {
  try {
    const url = new URL(text.includes('://') ? text : `nats://${text}`);
    if (url.protocol !== 'nats:' && url.protocol !== 'tls:')
      problems.push(`NATS_URL begins with '${url.protocol}//'; use nats:// or tls://`);
    if (url.hostname === '') problems.push(`NATS_URL names no host`);
    return url;
  } catch {
    problems.push(`NATS_URL is not a URL like nats://host:4222`);
    return new URL('nats://invalid');
  }
}

function authentication(settings: NatsSettings, { username, password }: URL): Authenticator | undefined {
  if (settings.credsFile !== undefined) return credsAuthenticator(read('NATS_CREDS', settings.credsFile));
  if (settings.nkeyFile !== undefined) {
    const seed = Buffer.from(read('NATS_NKEY', settings.nkeyFile)).toString('utf8').trim();
    return nkeyAuthenticator(new TextEncoder().encode(seed));
  }
  const user = settings.user ?? (password === '' ? undefined : decodeURIComponent(username));
  if (user !== undefined) return usernamePasswordAuthenticator(user, settings.password ?? decodeURIComponent(password));
  // A user without a password is a token, as in every NATS client.
  const token = settings.token ?? (username === '' ? undefined : decodeURIComponent(username));
  return token === undefined ? undefined : tokenAuthenticator(token);
}

function read(variable: string, path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new InvalidMessagingSettings([`${variable} names the file '${path}', which cannot be read`], { cause });
  }
}
