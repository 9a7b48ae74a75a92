/** A short fingerprint of a command's payload, by which a reused command id is told from a repeated command. */
import { hash } from 'node:crypto';
import { NotJson } from './errors.js';

/**
 * The same for equal payloads, whatever the order of their properties; absent and undefined properties are equal. 132
 * bits of SHA-256 as 22 characters.
 * @throws NotJson when the data contains itself
 */
export const payloadDigest = (type: string, data: unknown): string =>
  hash('sha256', `${type} ${canonical(data, `${type}.data`, [])}`, 'base64url').slice(0, 22);

/** @param ancestors what the value is in, so that a cycle is noticed; used as a stack */
function canonical(value: unknown, path: string, ancestors: object[]): string {
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  if (ancestors.includes(value)) throw new NotJson(path, 'a cycle (it contains itself)');
  if ('toJSON' in value) return JSON.stringify(value);
  ancestors.push(value);
  let text = '';
  if (Array.isArray(value)) {
    for (const item of value) text += `,${canonical(item, path, ancestors)}`;
    text = `[${text}]`;
  } else {
    for (const key of Object.keys(value).sort()) {
      const item = (value as Record<string, unknown>)[key];
      if (item !== undefined) text += `,${JSON.stringify(key)}:${canonical(item, path, ancestors)}`;
    }
    text = `{${text}}`;
  }
  ancestors.pop();
  return text;
}
