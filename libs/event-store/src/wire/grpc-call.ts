/** One gRPC call on an HTTP/2 stream: frames out, messages in, and at the end a status. */
import { constants, type ClientHttp2Stream, type IncomingHttpHeaders } from 'node:http2';

export interface CallListener {
  /** The bytes are a view: take what is needed before returning. May throw, which ends the call. */
  message(bytes: Buffer): void;
  /** Told once, at the end; with the reason when the call did not end well. */
  ended(failure: Error | undefined): void;
}

/** The connection, or the node, cannot be used now; another attempt may succeed. */
export const unavailable = 14;
const status = { unknown: 2, permissionDenied: 7, unimplemented: 12, unauthenticated: 16 };

/** The call was lost on the way: nobody knows whether it was carried out. */
export class CallLost extends Error {}

/** A gRPC status that is not OK, in the shape of grpc-js's ServiceError. */
export class CallFailed extends Error {
  readonly metadata: { getMap(): IncomingHttpHeaders };

  constructor(
    readonly code: number,
    readonly details: string,
    trailers: IncomingHttpHeaders = {},
  ) {
    super(`${code}: ${details}`);
    this.metadata = { getMap: () => trailers };
  }
}

const noBytes = Buffer.alloc(0);
const headBytes = 5;

export class GrpcCall {
  private outgoing: Buffer[] = [];
  private rest: Buffer = noBytes;
  private trailers: IncomingHttpHeaders = {};
  private httpStatus = 200;
  private failure: Error | undefined;
  private isOver = false;

  constructor(
    private readonly stream: ClientHttp2Stream,
    private readonly listener: CallListener,
  ) {
    stream
      .on('response', (headers, flags) => {
        this.httpStatus = headers[':status'] ?? this.httpStatus;
        // An answer that is nothing but a status.
        if (flags & constants.NGHTTP2_FLAG_END_STREAM) this.trailers = headers;
      })
      .on('trailers', (trailers: IncomingHttpHeaders) => (this.trailers = trailers))
      .on('data', (chunk: Buffer) => this.take(chunk))
      .on('error', (error: Error) => (this.failure ??= new CallFailed(unavailable, error.message)))
      .on('close', () => this.finish(this.failure ?? this.outcome()));
  }

  /** Sends frames; those written in the same turn go out together. */
  write(frames: readonly Buffer[]): void {
    if (this.outgoing.length === 0) process.nextTick(() => this.flush());
    this.outgoing.push(...frames);
  }

  /** Sends what is left and that no more comes. */
  end(frames: readonly Buffer[] = []): void {
    this.outgoing.push(...frames);
    this.flush();
    this.stream.end();
  }

  /** Wants no more of it; the listener is told nothing. */
  cancel(): void {
    this.isOver = true;
    this.stream.close(constants.NGHTTP2_CANCEL);
  }

  /** The connection is gone. */
  lose(reason: string): void {
    this.finish(new CallFailed(unavailable, reason));
    this.stream.destroy();
  }

  pause(): void {
    this.stream.pause();
  }

  resume(): void {
    this.stream.resume();
  }

  private flush(): void {
    const { outgoing } = this;
    this.outgoing = [];
    const [first] = outgoing;
    if (!first || this.isOver || this.stream.destroyed) return;
    this.stream.write(outgoing.length === 1 ? first : Buffer.concat(outgoing));
  }

  private take(chunk: Buffer): void {
    if (this.isOver) return;
    const bytes = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    let at = 0;
    try {
      while (bytes.length - at >= headBytes && !this.isOver) {
        const end = at + headBytes + bytes.readUInt32BE(at + 1);
        if (end > bytes.length) break;
        if (bytes[at] !== 0)
          throw new CallFailed(status.unimplemented, 'The node compresses, which was not asked for.');
        this.listener.message(bytes.subarray(at + headBytes, end));
        at = end;
      }
    } catch (error) {
      this.finish(error instanceof Error ? error : new Error(String(error)));
      this.stream.close(constants.NGHTTP2_CANCEL);
    }
    this.rest = at === bytes.length ? noBytes : bytes.subarray(at);
  }

  private outcome(): CallFailed | undefined {
    const told = this.trailers['grpc-status'];
    if (told === '0') return undefined;
    const details = decoded(String(this.trailers['grpc-message'] ?? ''));
    if (told !== undefined) return new CallFailed(Number(told), details, this.trailers);
    if (this.httpStatus !== 200) return new CallFailed(codeOfHttp(this.httpStatus), `HTTP status ${this.httpStatus}`);
    return new CallFailed(unavailable, 'the connection ended within a call');
  }

  private finish(failure: Error | undefined): void {
    if (this.isOver) return;
    this.isOver = true;
    this.listener.ended(failure);
  }
}

/** As gRPC's "HTTP to gRPC Status Code Mapping" has it. */
function codeOfHttp(httpStatus: number): number {
  if (httpStatus === 401) return status.unauthenticated;
  if (httpStatus === 403) return status.permissionDenied;
  if (httpStatus === 404) return status.unimplemented;
  return [429, 502, 503, 504].includes(httpStatus) ? unavailable : status.unknown;
}

/** Status messages are percent-encoded; those that are not well are shown as they came. */
function decoded(message: string): string {
  try {
    return decodeURIComponent(message);
  } catch {
    return message;
  }
}
