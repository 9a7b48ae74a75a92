/**
 * A key file: one private JWK, or a JWKS whose first private key signs while all verify (so that a key can be exchanged
 * without a gap: add the new one behind the old, then before it, then remove the old).
 */
import { randomBytes } from 'node:crypto';
import { chmod, link, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import {
  calculateJwkThumbprint,
  createLocalJWKSet,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWK,
  type JWTVerifyGetKey,
} from 'jose';
import { UnusableKeyFile } from '../errors.js';
import { algorithms } from './security-settings.js';

export interface KeyFile {
  readonly algorithms: readonly string[];
  readonly publicKeys: JWTVerifyGetKey;
  /** Undefined in a file with public keys only: it verifies, and cannot issue. */
  readonly signing: SigningKey | undefined;
  /** Whether others than the owner may read the file, where the system tells. */
  readonly readableByOthers: boolean;
}

export interface SigningKey {
  readonly key: Awaited<ReturnType<typeof importJWK>>;
  readonly algorithm: string;
  readonly id: string;
}

const madeAlgorithm = 'Ed25519';

/** @throws UnusableKeyFile */
export async function readKeyFile(file: string): Promise<KeyFile> {
  const keys = await parsedKeys(file);
  const mode = (await stat(file)).mode;
  const first = keys.find(({ d }) => typeof d === 'string');
  return {
    algorithms: [...new Set(keys.map(({ alg }) => alg))],
    publicKeys: createLocalJWKSet({ keys: keys.map(publicPart) }),
    signing: first && (await signingKey(first, file)),
    readableByOthers: first !== undefined && process.platform !== 'win32' && (mode & 0o077) !== 0,
  };
}

/** Makes a private key that only the owner may read, unless the file is there; of several processes one wins. */
export async function makeKeyFile(file: string): Promise<void> {
  if (await exists(file)) return;
  const { privateKey } = await generateKeyPair(madeAlgorithm, { extractable: true });
  const jwk = await identified({ ...(await exportJWK(privateKey)), alg: madeAlgorithm, use: 'sig' });
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  try {
    await writeFile(draft, `${JSON.stringify(jwk, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
    await chmod(draft, 0o600);
    // A link fails where the name is taken: nobody ever sees half a key, and the first stays.
    await link(draft, file).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(draft, { force: true });
  }
}

type SignatureJwk = JWK & { readonly alg: string; readonly kid: string };

async function parsedKeys(file: string): Promise<SignatureJwk[]> {
  let content: unknown;
  try {
    content = JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    // A JSON parser's message quotes what it read, and that may be a key.
    throw new UnusableKeyFile(file, cause instanceof SyntaxError ? 'it is no JSON' : String(cause));
  }
  const listed = (content as { keys?: unknown } | null)?.keys;
  const keys = (Array.isArray(listed) ? listed : [content]) as JWK[];
  if (keys.length === 0) throw new UnusableKeyFile(file, 'it has no key');
  return Promise.all(keys.map((key) => signatureJwk(key, file)));
}

async function signatureJwk(key: JWK, file: string): Promise<SignatureJwk> {
  if (typeof key !== 'object' || key === null || typeof key.kty !== 'string')
    throw new UnusableKeyFile(file, 'it holds something that is no JWK');
  if (key.kty === 'oct')
    throw new UnusableKeyFile(file, 'it holds a shared secret, with which whoever verifies could issue');
  if (key.alg === undefined || !algorithms.includes(key.alg))
    throw new UnusableKeyFile(file, `'alg' of its keys must be one of ${algorithms.join(', ')}`);
  return identified(key as JWK & { alg: string });
}

const identified = async <K extends JWK & { readonly alg: string }>(key: K): Promise<K & SignatureJwk> => ({
  ...key,
  kid: key.kid ?? (await calculateJwkThumbprint(publicPart(key))),
});

/** What may be known by everybody; listed, so that no private part gets through by a name that was not thought of. */
const publicPart = ({ kty, crv, x, y, n, e, alg, kid }: JWK): JWK =>
  JSON.parse(JSON.stringify({ kty, crv, x, y, n, e, alg, kid, use: 'sig' })) as JWK;

async function signingKey(jwk: SignatureJwk, file: string): Promise<SigningKey> {
  try {
    return { key: await importJWK(jwk, jwk.alg), algorithm: jwk.alg, id: jwk.kid };
  } catch {
    throw new UnusableKeyFile(file, `its private key is no key for ${jwk.alg}`);
  }
}

const exists = (file: string): Promise<boolean> =>
  stat(file).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );
