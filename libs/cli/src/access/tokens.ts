/**
 * Whose tokens the apps trust that are started here, and tokens for the calls of this command. What signs and verifies
 * them is part of the Nest side of the house: loaded when it is needed.
 */
import { join } from 'node:path';
import type { Invocation } from '../invocation.js';
import { runtimeDir } from '../workspace.js';

export interface TokenRequest {
  readonly subject: string;
  readonly roles: readonly string[];
  /** Seconds. */
  readonly validFor: number;
}

/** What apps are to be started with, so that they trust tokens of this machine; empty where the environment says whom. */
export type AccessVariables = { readonly AUTH_KEY_FILE?: string };

/**
 * Makes the key of this machine, unless the environment says whose tokens are trusted.
 * @throws InvalidSettings when it does not, and the apps are to listen beyond loopback or in production
 */
export async function provideAccess(invocation: Invocation): Promise<AccessVariables> {
  const { makeKeyFile, readTrust } = await import('@annals/nestjs');
  const { key } = readTrust(here(invocation));
  if (!key?.makeIfMissing) return {};
  await makeKeyFile(key.file);
  return { AUTH_KEY_FILE: key.file };
}

/** Makes a token with the key that the apps of this environment trust. @throws ForeignTokens, InvalidSettings */
export async function makeToken(request: TokenRequest, invocation: Invocation): Promise<string> {
  const { localToken } = await import('@annals/nestjs');
  const { HOST: _, NODE_ENV: __, ...environment } = here(invocation);
  return localToken(request, request.validFor, environment);
}

const callValidFor = 600;

/** The token of this command's own calls: ANNALS_TOKEN, else one of an operator. @throws ForeignTokens, InvalidSettings */
export const operatorToken = async (invocation: Invocation): Promise<string> =>
  invocation.env['ANNALS_TOKEN'] ||
  makeToken({ subject: 'annals-cli', roles: ['operator'], validFor: callValidFor }, invocation);

/** The environment as apps of this workspace see it. */
const here = (invocation: Invocation): NodeJS.ProcessEnv => ({
  ...invocation.env,
  ANNALS_RUNTIME: join(runtimeDir(invocation)),
});
