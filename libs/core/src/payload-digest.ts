/** A short fingerprint of a command's payload, by which a reused command id is told from a repeated command. */
import { createHash } from 'node:crypto';
import { NotJson } from './errors.js';

/**
 * The same for equal payloads, whatever the order of their properties; absent and undefined properties are equal. 132
 * bits of SHA-256 as 22 characters.
 * @throws NotJson when the data contains itself
 */
export const payloadDigest = (type: string, data: unknown): string =>
  createHash('sha256')
    .update(`${type} ${canonical(data, `${type}.data`, [])}`)
    .digest('base64url')
    .slice(0, 22);

function canonical(value: unknown, path: string, ancestors: readonly object[]): string {
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  if (ancestors.includes(value)) throw new NotJson(path, 'a cycle (it contains itself)');
  if ('toJSON' in value) return JSON.stringify(value);
  const within = [...ancestors, value];
  if (Array.isArray(value)) return `[${value.map((item) => canonical(item, path, within)).join()}]`;
  const properties = Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, item]) => `${JSON.stringify(key)}:${canonical(item, `${path}.${key}`, within)}`);
  return `{${properties.join()}}`;
}
