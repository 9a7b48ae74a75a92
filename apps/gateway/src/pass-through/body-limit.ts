/** Bodies no larger than a route takes: by what they say they have, else by counting as they pass. */
import type { IncomingMessage } from 'node:http';
import { Transform, type Readable } from 'node:stream';
import { PayloadTooLargeException } from '@nestjs/common';

const tooLarge = (limit: number) => new PayloadTooLargeException(`The body is larger than ${limit} bytes.`);

/**
 * The body of a request as a stream; undefined when it has none.
 * @throws PayloadTooLargeException here, or as the error of the stream
 */
export function limitedBody(request: IncomingMessage, limit: number): Readable | undefined {
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
  if (encoding !== undefined) return request.pipe(counted(limit));
  if (length === undefined || length === '0') return undefined;
  if (Number(length) > limit) throw tooLarge(limit);
  return request; // Node's parser ends it where Content-Length says
}

function counted(limit: number): Transform {
  let size = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, next) {
      size += chunk.length;
      if (size > limit) next(tooLarge(limit));
      else next(null, chunk);
    },
  });
}
