import { silent } from '@annals/core';
import { ForeignTokens } from '../errors.js';
import { serviceRole, type Principal } from './principal.js';
import { readTrust } from './security-settings.js';
import { TokenVerifier } from './token-verifier.js';

/**
 * A token by the key that this environment's apps trust: for the command line, demos and tests.
 * @param validFor seconds
 * @throws InvalidSettings, UnusableKeyFile; ForeignTokens where an identity provider issues them
 */
export async function localToken(
  principal: Principal,
  validFor: number,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<string> {
  const trust = readTrust(environment);
  const onlyService = principal.roles.every((role) => role === serviceRole);
  if (!trust.key || (trust.key.servicesOnly && !onlyService)) throw new ForeignTokens(trust.provider?.issuer ?? '');
  return (await TokenVerifier.open(trust, silent)).issue(principal, validFor);
}
