/**
 * gRPC over one HTTP/2 session with one node. `@grpc/grpc-js` passes each message through half a dozen layers of promises
 * (some 20 us a message, 200 us a call), which is more than appending to a stream or reading a short one costs
 * altogether; see docs/adr/0013. Statuses are told as errors of the shape that gRPC's own have, so that
 * the client's `convertToCommandError` understands them.
 *
 *   open ── go-away, broken, silent, closed ──▶ ended: takes no calls; calls under way end with UNAVAILABLE
 */
import {
  connect,
  constants,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type OutgoingHttpHeaders,
} from 'node:http2';
import type { SecureContextOptions } from 'node:tls';
import { CallFailed, GrpcCall, unavailable, type CallListener } from './grpc-call.js';

export interface GrpcSessionOptions {
  readonly host: string;
  readonly port: number;
  /** Undefined: without TLS. */
  readonly tls: SecureContextOptions | undefined;
  /** Sent with every call. */
  readonly headers: Readonly<Record<string, string>>;
  /** While calls are under way the node is asked for a sign of life this often, in ms; negative: never. */
  readonly keepAliveMs: number;
  /** How long the sign of life may take, in ms. */
  readonly keepAliveTimeoutMs: number;
}

/** What the node may send of one call before it is taken, in bytes; holds back long reads that are consumed slowly. */
const windowBytes = 1024 * 1024;

export class GrpcSession {
  private readonly session: ClientHttp2Session;
  private readonly calls = new Set<GrpcCall>();
  private readonly keepAlive: NodeJS.Timeout | undefined;
  private isGoing = false;

  constructor(private readonly options: GrpcSessionOptions) {
    const { host, port, tls, keepAliveMs } = options;
    const authority = `${tls ? 'https' : 'http'}://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${port}`;
    const settings = { enablePush: false, initialWindowSize: windowBytes };
    this.session = connect(authority, { ...tls, settings });
    this.session
      .on('connect', () => this.isOpen && this.session.setLocalWindowSize(8 * windowBytes))
      .on('goaway', () => (this.isGoing = true))
      .on('error', (error: Error) => this.breakDown(error))
      .on('close', () => this.breakDown());
    if (keepAliveMs > 0) this.keepAlive = setInterval(() => this.askForLife(), keepAliveMs).unref();
  }

  /** Whether it takes calls. */
  get isOpen(): boolean {
    return !this.isGoing && !this.session.closed && !this.session.destroyed;
  }

  /** Begins a call; what becomes of it the listener is told. */
  call(path: string, listener: CallListener): GrpcCall {
    const headers = {
      [constants.HTTP2_HEADER_METHOD]: 'POST',
      [constants.HTTP2_HEADER_PATH]: path,
      'content-type': 'application/grpc+proto',
      te: 'trailers',
      ...this.options.headers,
    };
    const stream = this.request(headers);
    const call = new GrpcCall(stream, listener);
    this.calls.add(call);
    stream.once('close', () => this.calls.delete(call));
    return call;
  }

  /** Lets the calls under way end, and takes no others. */
  close(): void {
    this.isGoing = true;
    clearInterval(this.keepAlive);
    this.session.close();
  }

  /** Ends all calls at once. */
  destroy(): void {
    this.breakDown();
  }

  /** @throws CallFailed when the session has just ended */
  private request(headers: OutgoingHttpHeaders): ClientHttp2Stream {
    try {
      return this.session.request(headers);
    } catch (error) {
      throw new CallFailed(unavailable, String(error));
    }
  }

  private breakDown(error?: Error): void {
    this.isGoing = true;
    clearInterval(this.keepAlive);
    const reason = error?.message ?? 'the connection was closed';
    for (const call of [...this.calls]) call.lose(reason);
    this.session.destroy();
  }

  private askForLife(): void {
    if (this.calls.size === 0 || this.session.connecting || this.session.destroyed) return;
    const { keepAliveTimeoutMs } = this.options;
    const silence = setTimeout(
      () => this.breakDown(new Error(`the node gave no sign of life within ${keepAliveTimeoutMs} ms`)),
      keepAliveTimeoutMs,
    ).unref();
    this.session.ping(() => clearTimeout(silence));
  }
}
