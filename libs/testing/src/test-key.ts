/** A key with which the tests of one run sign tokens. */
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const keyVariable = 'AUTH_KEY_FILE';

export async function makeTestKey(): Promise<{ readonly file: string; readonly remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'annals-key-'));
  const file = join(folder, 'key.json');
  const jwk = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  await writeFile(file, JSON.stringify({ ...jwk, alg: 'Ed25519' }), { mode: 0o600 });
  return { file, remove: () => rm(folder, { recursive: true, force: true }) };
}
