/**
 * One port for both: gRPC over HTTP/2 and plain HTTP/1.1. The first bytes of a connection tell which one it is
 * (HTTP/2 begins with "PRI * "). With TLS it is the same, inside.
 */
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttp2Server, type Http2Server, type ServerHttp2Session } from 'node:http2';
import { createServer as createNetServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { AddressRefused, ServerStopping } from '../errors.js';
import { GrpcCall } from './grpc-call.js';
import { dispatch, type Handlers } from './grpc-router.js';

export interface TlsFiles {
  readonly certificate: Buffer;
  readonly privateKey: Buffer;
}

export type HttpHandler = (request: IncomingMessage, response: ServerResponse) => void;

const SETTINGS = { initialWindowSize: 1024 * 1024, maxConcurrentStreams: 10_000, maxHeaderListSize: 64 * 1024 };
/**
 * Clients cancel reads all the time (every `break` out of one is a reset), and a session with more than about 1,000 at once is
 * closed by HTTP/2 libraries as an attack. Where Node lets us, we allow more; else the client connects anew.
 */
const CANCELLATIONS = { streamResetBurst: 100_000, streamResetRate: 20_000 };
const SESSION_WINDOW = 8 * 1024 * 1024;
const PREFACE = Buffer.from('PRI ');
/** A connection that says nothing is closed after this time. */
const SILENCE_MS = 10_000;

export interface Listener {
  readonly port: number;
  readonly connections: number;
  /** Stops accepting and tells all who are on a call; whoever has not gone after `deadlineMs` is cut off. */
  close(deadlineMs: number): Promise<void>;
}

export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  readonly tls: TlsFiles | undefined;
  /** Made once the port is known. */
  readonly handlers: (port: number) => Handlers;
  readonly http: HttpHandler;
}

export async function listen(options: ListenOptions): Promise<Listener> {
  const sockets = new Set<Socket>();
  const sessions = new Set<ServerHttp2Session>();
  const calls = new Set<GrpcCall>();
  let handlers: Handlers = {};
  const http2 = createHttp2Server({ settings: SETTINGS, ...CANCELLATIONS });
  serve(http2, () => handlers, sessions, calls);
  const accept = sniffing(http2, options.http);
  const acceptor: Server = options.tls
    ? createTlsServer(
        {
          cert: options.tls.certificate,
          key: options.tls.privateKey,
          ALPNProtocols: ['h2', 'http/1.1'],
          handshakeTimeout: SILENCE_MS,
        },
        accept,
      )
    : createNetServer({ noDelay: true }, accept);
  acceptor.on('tlsClientError', () => undefined); // a client that cannot or does not want to speak TLS; its socket is closed
  acceptor.on('connection', (socket: Socket) => {
    socket.setNoDelay(true);
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => undefined); // a reset connection; whoever used it is told by its own streams
  });
  const port = await bind(acceptor, options);
  handlers = options.handlers(port);
  return {
    port,
    get connections() {
      return sockets.size;
    },
    close: (deadlineMs) => {
      for (const call of calls) call.fail(new ServerStopping());
      return closeListener(acceptor, sessions, sockets, deadlineMs);
    },
  };
}

function serve(
  server: Http2Server,
  handlers: () => Handlers,
  sessions: Set<ServerHttp2Session>,
  calls: Set<GrpcCall>,
): void {
  server.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
    session.on('error', () => undefined); // broken frames or a lost connection: the session is closed, its streams too
    session.setLocalWindowSize(SESSION_WINDOW);
  });
  server.on('sessionError', () => undefined);
  server.on('stream', (stream, headers) => {
    const call = new GrpcCall(stream, headers);
    calls.add(call);
    call.whenOver(() => calls.delete(call));
    dispatch(handlers(), headers[':path'] ?? '', call);
  });
}

function sniffing(http2: Http2Server, http: HttpHandler): (socket: Socket) => void {
  const http1 = createHttpServer(http);
  return (socket) => {
    socket.on('error', () => undefined); // a reset connection; whoever used it is told by its own streams
    socket.setTimeout(SILENCE_MS, () => socket.destroy());
    socket.once('data', (first: Buffer) => {
      socket.setTimeout(0);
      socket.removeAllListeners('timeout');
      socket.pause();
      socket.unshift(first);
      const target = first.subarray(0, PREFACE.length).equals(PREFACE.subarray(0, first.length)) ? http2 : http1;
      target.emit('connection', socket);
      if (target === http1) socket.resume();
    });
  };
}

function bind(server: Server, { host, port }: ListenOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const text =
        error.code === 'EADDRINUSE'
          ? `Port ${port} on ${host} is taken by another program. Stop it, or choose another port (0 takes any free one).`
          : `The server cannot listen on ${host}:${port} (${error.message}). Choose another address or port.`;
      reject(new AddressRefused(host, port, text, { cause: error }));
    });
    server.listen({ host, port }, () => resolve((server.address() as AddressInfo).port));
  });
}

function closeListener(
  server: Server,
  sessions: Set<ServerHttp2Session>,
  sockets: Set<Socket>,
  deadlineMs: number,
): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      for (const socket of sockets) socket.destroy();
    }, deadlineMs);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    for (const session of sessions) session.close();
    for (const socket of sockets)
      if (
        ![...sessions].some(
          (session) => session.socket !== undefined && !session.destroyed && sameSocket(session, socket),
        )
      )
        socket.end();
  });
}

const sameSocket = (session: ServerHttp2Session, socket: Socket): boolean => {
  try {
    return session.socket.remotePort === socket.remotePort;
  } catch {
    return false; // the session has let go of its socket
  }
};
