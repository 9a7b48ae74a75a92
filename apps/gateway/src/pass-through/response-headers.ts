/** The headers that an answer goes back with: the context's, but for those of its connection, and the gateway's own. */
import type { OwnHeaders } from './own-headers.js';
import { connectionOptions, hopByHop } from './request-headers.js';

/** As undici gives them: names in small letters. */
export type UpstreamHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** Names and values in turn. What the gateway says itself counts more than what the context says. */
export function answerHeaders(headers: UpstreamHeaders, own: OwnHeaders): string[] {
  const { connection } = headers;
  const named = typeof connection === 'string' ? connectionOptions(connection) : undefined;
  const out: string[] = [];
  for (const name in headers) {
    const value = headers[name];
    if (value === undefined || hopByHop.has(name) || own.names.has(name) || named?.has(name)) continue;
    if (typeof value === 'string') out.push(name, value);
    else for (const each of value) out.push(name, each);
  }
  out.push(...own.pairs);
  return out;
}
