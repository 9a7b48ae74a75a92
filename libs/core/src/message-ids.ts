/** Deterministic message ids: the same cause always gives the same id, which is what makes repetition harmless (G3). */
import { hash } from 'node:crypto';

const namespace = Buffer.from('8f3c1f0a5b7e4f0e9d552a4f6f1c7a11', 'hex');
const variants = '89ab';

/** A UUID (version 5, RFC 9562) that depends on nothing but `parts`. */
export function deterministicId(...parts: readonly (string | number)[]): string {
  // By hand, because it is done for every event: one call of Node's hash in place of seven in the package uuid.
  const digest = hash('sha1', Buffer.concat([namespace, Buffer.from(JSON.stringify(parts))]), 'hex');
  const variant = variants[parseInt(digest.charAt(16), 16) & 3] ?? '8';
  return `${digest.slice(0, 8)}-${digest.slice(8, 12)}-5${digest.slice(13, 16)}-${variant}${digest.slice(17, 20)}-${digest.slice(20, 32)}`;
}

/**
 * The id of the `index`th event that a command appends to `stream`.
 * @param payload digest of the command's payload: when two commands race under one id, the store must not take the
 * second one's events for a repetition of the first one's
 */
export const eventId = (stream: string, commandId: string, index: number, payload = ''): string =>
  deterministicId('event', stream, commandId, index, payload);
