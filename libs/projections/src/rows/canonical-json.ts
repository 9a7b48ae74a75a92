/**
 * JSON values as Postgres' `jsonb` gives them back: keys ordered by their length in bytes, then bytewise (the order of
 * `lengthCompareJsonbStringValue` in Postgres' jsonb_util.c), nothing undefined. So a handler sees the same value
 * whether the row comes from memory or from the table.
 */
type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export const canonicalJson = (value: unknown): unknown => canonical(value as Json);

function canonical(value: Json): Json {
  if (typeof value !== 'object' || value === null) return scalar(value);
  const { toJSON } = value as { toJSON?: unknown };
  if (typeof toJSON === 'function') return canonical(JSON.parse(JSON.stringify(value)) as Json);
  if (Array.isArray(value)) return value.map((item: Json | undefined) => (item === undefined ? null : canonical(item)));
  const result: { [key: string]: Json } = {};
  for (const key of Object.keys(value).sort(byLengthThenBytes)) {
    const member = value[key];
    if (member === undefined || typeof member === 'function' || typeof member === 'symbol') continue;
    Object.defineProperty(result, key, {
      value: canonical(member),
      enumerable: true,
      writable: true,
      configurable: true,
    });
  }
  return result;
}

function scalar(value: unknown): Json {
  if (typeof value === 'number') return Number.isFinite(value) ? value + 0 : null;
  if (typeof value === 'bigint') throw new TypeError('A bigint is not JSON: store it as text.');
  return value as Json;
}

// eslint-disable-next-line no-control-regex
const isAscii = (text: string): boolean => /^[\x00-\x7f]*$/.test(text);

function byLengthThenBytes(one: string, other: string): number {
  if (isAscii(one) && isAscii(other)) return one.length - other.length || (one < other ? -1 : one > other ? 1 : 0);
  const [first, second] = [Buffer.from(one), Buffer.from(other)];
  return first.length - second.length || Buffer.compare(first, second);
}
