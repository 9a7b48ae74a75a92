/**
 * The keys of an identity provider. They are fetched when they are first needed, again in the background when they are
 * old, and at once when a token names one that is not known (at most every half minute, so that made-up key ids do not
 * become a flood). While the provider is away, the keys that it last gave go on being trusted for a while.
 */
import type { Log } from '@annals/core';
import { createRemoteJWKSet, errors, jwksCache, type JWKSCacheInput, type JWTVerifyGetKey } from 'jose';
import { SigningKeysUnavailable } from '../errors.js';

export interface ProviderKeysOptions {
  readonly url: URL;
  readonly log: Log;
  /** After that the keys are fetched again, in ms. */
  readonly freshForMs?: number;
  /** How long keys are trusted that cannot be fetched again, in ms. */
  readonly trustedForMs?: number;
  /** So long after keys were fetched, a token with an unknown key does not make them be fetched again, in ms. */
  readonly unknownKeyPauseMs?: number;
}

const answerWithinMs = 5_000;
const tryAgainAfterMs = 10_000;

/** @returns what finds the key of a token. @throws SigningKeysUnavailable when there are no keys to look among */
export function providerKeys(options: ProviderKeysOptions): JWTVerifyGetKey {
  const { url, log, freshForMs = 600_000, trustedForMs = 3_600_000, unknownKeyPauseMs = 30_000 } = options;
  const cache: JWKSCacheInput = {};
  const remote = createRemoteJWKSet(url, {
    timeoutDuration: answerWithinMs,
    cacheMaxAge: Infinity,
    cooldownDuration: unknownKeyPauseMs,
    [jwksCache]: cache,
  });
  let triedAt = -Infinity;

  const refresh = async () => {
    triedAt = performance.now();
    try {
      await remote.reload();
    } catch (error) {
      log.warn(`The identity provider's keys cannot be fetched; the last ones are used.`, { error });
    }
  };

  return async (header, token) => {
    const ageMs = 'uat' in cache ? Date.now() - cache.uat : Infinity;
    try {
      if (ageMs > trustedForMs) await remote.reload();
      else if (ageMs > freshForMs && performance.now() - triedAt > tryAgainAfterMs) void refresh();
      return await remote(header, token);
    } catch (error) {
      if (isAboutTheToken(error)) throw error;
      throw new SigningKeysUnavailable(url.origin, { cause: error });
    }
  };
}

/** The keys are there, and none of them is this token's. */
const isAboutTheToken = (error: unknown): boolean =>
  ['ERR_JWKS_NO_MATCHING_KEY', 'ERR_JWKS_MULTIPLE_MATCHING_KEYS', 'ERR_JOSE_NOT_SUPPORTED'].includes(
    (error as Partial<errors.JOSEError>).code ?? '',
  );
