/** Deterministic message ids: the same cause always gives the same id, which is what makes repetition harmless (G3). */
import { v5 } from 'uuid';

const namespace = '8f3c1f0a-5b7e-4f0e-9d55-2a4f6f1c7a11';

/** A UUID (version 5, RFC 9562) that depends on nothing but `parts`. */
export const deterministicId = (...parts: readonly (string | number)[]): string => v5(JSON.stringify(parts), namespace);

/**
 * The id of the `index`th event that a command appends to `stream`.
 * @param payload digest of the command's payload: when two commands race under one id, the store must not take the
 * second one's events for a repetition of the first one's
 */
export const eventId = (stream: string, commandId: string, index: number, payload = ''): string =>
  deterministicId('event', stream, commandId, index, payload);
