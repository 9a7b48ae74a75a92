/**
 * `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date.
 * @returns milliseconds from now, undefined when there is none or it makes no sense
 */
export function retryAfterMs(header: string | readonly string[] | undefined, now = Date.now()): number | undefined {
  const text = typeof header === 'object' ? header[0] : header;
  if (text === undefined) return undefined;
  if (/^\s*\d{1,9}\s*$/.test(text)) return Number(text) * 1_000;
  const date = text.endsWith('GMT') ? Date.parse(text) : NaN; // anything else Date.parse would guess at
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
