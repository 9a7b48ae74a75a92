/** The header `WWW-Authenticate` of a refusal (RFC 9110, section 11.6.1; RFC 6750, section 3). */
import { AccessDenied, InvalidToken } from '../errors.js';

const realm = 'Bearer realm="annals"';

/** @param status of the answer; undefined for one that is no refusal */
export function challengeOf(error: unknown, status: number): string | undefined {
  if (error instanceof InvalidToken)
    return `${realm}, error="invalid_token", error_description="${quotable(error.reason)}"`;
  if (error instanceof AccessDenied) return `${realm}, error="insufficient_scope"`;
  return status === 401 ? realm : undefined;
}

/** The characters that RFC 6750 allows in a description. */
const quotable = (text: string): string => text.replaceAll(/[^\x20-\x7e]|["\\]/g, "'");
