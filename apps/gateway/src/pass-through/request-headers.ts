/** The headers that a request goes on with. */
import type { IncomingMessage } from 'node:http';

/** They are about one connection only (RFC 9110, section 7.6.1, and those of old). */
export const hopByHop: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/**
 * Set anew, or not passed on: compression is done here, an expectation was answered by this server already, and what a
 * client says about who it comes from would be believed by the contexts.
 */
const replaced: ReadonlySet<string> = new Set([
  'host',
  'expect',
  'accept-encoding',
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-correlation-id',
  'traceparent',
]);

export interface Conversation {
  readonly correlationId: string;
  readonly traceparent: string | undefined;
}

/**
 * Names and values in turn, as they came but for what must not go on.
 * @param client the address that it came from
 */
export function forwardedHeaders(
  request: IncomingMessage,
  client: string,
  { correlationId, traceparent }: Conversation,
): string[] {
  const { rawHeaders, headers, socket } = request;
  const named = connectionOptions(headers.connection);
  const forwarded: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const [name = '', value = ''] = [rawHeaders[i], rawHeaders[i + 1]];
    const key = name.toLowerCase();
    if (hopByHop.has(key) || replaced.has(key) || named?.has(key)) continue;
    forwarded.push(name, value);
  }
  forwarded.push('x-correlation-id', correlationId, 'x-forwarded-for', client);
  forwarded.push('x-forwarded-proto', 'encrypted' in socket ? 'https' : 'http');
  if (headers.host !== undefined) forwarded.push('x-forwarded-host', headers.host);
  if (traceparent !== undefined) forwarded.push('traceparent', traceparent);
  return forwarded;
}

/** Headers that `Connection` declares to be about this connection, too. */
export function connectionOptions(connection: string | undefined): ReadonlySet<string> | undefined {
  if (connection === undefined || connection === 'keep-alive' || connection === 'close') return undefined;
  return new Set(connection.split(',').map((option) => option.trim().toLowerCase()));
}
