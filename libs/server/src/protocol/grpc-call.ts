/**
 * One gRPC call over an HTTP/2 stream: cuts the incoming bytes into messages, writes frames with back-pressure, and ends
 * with a status. Served on `node:http2` directly because that lets stored frames be written as they are, many at a time.
 *
 *   open -- write* --> answering -- end --> ended        any state -- client gone --> closed
 */
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { isCodedError } from '@annals/core';
import { MalformedRequest, NotSupported } from '../errors.js';
import { GRPC, statusOf, type GrpcStatus } from './grpc-status.js';

/** Requests are small, except for batches: 1 MiB of data by default, but metadata does not count. */
const MAX_MESSAGE = 64 * 1024 * 1024;
const RESPONSE = { ':status': 200, 'content-type': 'application/grpc+proto' } as const;

/** Percent-encodes what gRPC does not allow in a status message. */
const encodeMessage = (text: string): string =>
  Buffer.from(text, 'utf8').reduce(
    (out, byte) =>
      out +
      (byte >= 0x20 && byte <= 0x7e && byte !== 0x25
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`),
    '',
  );

export class GrpcCall {
  private answered = false;
  private ended = false;
  private trailers: Record<string, string> | undefined;
  private readonly onClosed = new Set<() => void>();
  private pending: Buffer[] = [];
  private pendingLength = 0;

  constructor(
    private readonly stream: ServerHttp2Stream,
    readonly headers: IncomingHttpHeaders,
  ) {
    stream.once('close', () => this.closed());
    // A client that resets a stream or vanishes shows as an error here; `close` follows and cleans up.
    stream.on('error', () => undefined);
  }

  /** Whether nothing can be answered any more. */
  get isOver(): boolean {
    return this.ended || this.stream.destroyed || this.stream.closed;
  }

  /** The caller's address, for those who ask who is connected. */
  get peer(): string {
    const socket = this.stream.session?.socket;
    return socket ? `${socket.remoteAddress ?? ''}:${socket.remotePort ?? ''}` : '';
  }

  /** Bytes that the client has not taken yet. */
  get buffered(): number {
    return this.stream.writableLength;
  }

  whenOver(listener: () => void): void {
    if (this.isOver) listener();
    else this.onClosed.add(listener);
  }

  /** Hands over each message as it arrives; `onEnd` after the last one. A fault in either ends the call. */
  receive(onMessage: (message: Buffer) => void, onEnd: () => void): void {
    this.stream.on('data', (chunk: Buffer) => {
      try {
        this.take(chunk, onMessage);
      } catch (error) {
        this.fail(error);
      }
    });
    this.stream.once('end', () => {
      try {
        if (this.pendingLength > 0 && !this.isOver) throw new MalformedRequest('the call ended within a message');
        if (!this.ended) onEnd();
      } catch (error) {
        this.fail(error);
      }
    });
  }

  private take(chunk: Buffer, onMessage: (message: Buffer) => void): void {
    if (this.ended) return;
    let data = chunk;
    if (this.pendingLength > 0) {
      this.pending.push(chunk);
      this.pendingLength += chunk.length;
      const first = this.pending[0] ?? chunk;
      if (first.length >= 5 && this.pendingLength < 5 + first.readUInt32BE(1)) return;
      data = Buffer.concat(this.pending);
      this.pending = [];
      this.pendingLength = 0;
    }
    let offset = 0;
    while (data.length - offset >= 5) {
      if (data[offset] !== 0)
        throw new NotSupported('Compressed messages are not supported: switch compression off in the client.');
      const length = data.readUInt32BE(offset + 1);
      if (length > MAX_MESSAGE)
        throw new MalformedRequest(`a message of ${length} bytes; at most ${MAX_MESSAGE} are taken`);
      if (data.length - offset - 5 < length) break;
      onMessage(data.subarray(offset + 5, offset + 5 + length));
      offset += 5 + length;
    }
    if (offset < data.length) {
      const rest = data.subarray(offset);
      this.pending.push(rest);
      this.pendingLength = rest.length;
    }
  }

  /** Whether more may be written right away; otherwise wait for {@link drained}. */
  write(frames: Buffer): boolean {
    if (this.isOver) return false;
    this.answer();
    return this.stream.write(frames);
  }

  /** Resolves when the client has taken what was written, or is gone. */
  drained(): Promise<void> {
    if (this.isOver || !this.stream.writableNeedDrain) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        this.stream.off('drain', done);
        this.onClosed.delete(done);
        resolve();
      };
      this.stream.once('drain', done);
      this.onClosed.add(done);
    });
  }

  end(status: GrpcStatus = { code: GRPC.ok, message: '', trailers: {} }): void {
    if (this.isOver) return;
    this.ended = true;
    const trailers = {
      'grpc-status': String(status.code),
      ...(status.message === '' ? {} : { 'grpc-message': encodeMessage(status.message) }),
      ...status.trailers,
    };
    if (this.answered) {
      this.trailers = trailers;
      this.stream.end();
    } else {
      this.stream.respond({ ...RESPONSE, ...trailers }, { endStream: true });
      // The client may still be sending; nobody reads that any more.
      this.stream.resume();
    }
    this.over();
  }

  fail(error: unknown): void {
    // What has no code was not foreseen: whoever runs the server should see it too.
    if (!isCodedError(error) && !this.isOver)
      process.emitWarning(error instanceof Error ? (error.stack ?? error.message) : String(error), 'EventStoreFault');
    this.end(statusOf(error));
  }

  /** Ends the call in a way that tells the client to come back elsewhere or later. */
  private answer(): void {
    if (this.answered) return;
    this.answered = true;
    this.stream.on('wantTrailers', () =>
      this.stream.sendTrailers(this.trailers ?? { 'grpc-status': String(GRPC.unknown) }),
    );
    this.stream.respond({ ...RESPONSE }, { waitForTrailers: true });
  }

  private closed(): void {
    this.pending = [];
    this.over();
  }

  private over(): void {
    const listeners = [...this.onClosed];
    this.onClosed.clear();
    for (const listener of listeners) listener();
  }
}
