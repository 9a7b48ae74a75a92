/** Which answers are worth compressing for which clients. The compressing is @fastify/compress'. */
import type { IncomingMessage } from 'node:http';
import type { UpstreamHeaders } from './response-headers.js';

/** Below, an answer fits into a packet or two anyway. */
export const compressedFromBytes = 1_024;
const text = /^(?:text\/(?!event-stream)|application\/(?:[\w.+-]+\+)?(?:json|xml)\b|application\/javascript\b)/i;
const never = () => false;

/** Asked with the headers of an answer to this request. */
export function compressionFor({ headers }: IncomingMessage): (answer: UpstreamHeaders) => boolean {
  const accepted = headers['accept-encoding'];
  if (typeof accepted !== 'string' || !/\b(?:gzip|br|deflate|zstd)\b|\*/.test(accepted)) return never;
  return worthwhile;
}

function worthwhile(answer: UpstreamHeaders): boolean {
  const { 'content-type': type, 'content-encoding': encoding, 'content-length': length } = answer;
  if (encoding !== undefined || typeof type !== 'string' || !text.test(type)) return false;
  return length === undefined || Number(length) >= compressedFromBytes;
}
