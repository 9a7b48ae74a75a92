import { InvalidSubject } from '../errors.js';
import { isWellFormed } from '../envelope/cloud-event.js';

/**
 * An aggregate's id as one token of a NATS subject, which may hold neither blanks nor `.`, `*` and `>`. Percent-encoded,
 * so that different ids never meet in one token.
 * @throws InvalidSubject
 */
export function subjectToken(id: string): string {
  if (id === '' || !isWellFormed(id)) throw new InvalidSubject(id);
  return encodeURIComponent(id).replaceAll('.', '%2E').replaceAll('*', '%2A');
}
