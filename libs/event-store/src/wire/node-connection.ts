/** What is said to one node directly: appends over one call, reads in calls of their own, all in one session. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseConnectionString } from '@eventstore/db-client/dist/Client/parseConnectionString.js';
import { AppendCall } from './append-call.js';
import type { Appended, ExpectedRevision, ProposedEvent } from './append-messages.js';
import { GrpcSession, type GrpcSessionOptions } from './grpc-session.js';
import type { CallListener, GrpcCall } from './grpc-call.js';
import { EventRead } from './event-read.js';
import { readPath } from './read-request.js';

/** Of all nodes alike: what the connection string says. */
export type NodeOptions = Omit<GrpcSessionOptions, 'host' | 'port'>;

/** The client's own defaults. */
const keepAlive = { intervalMs: 10_000, timeoutMs: 10_000 };

export function nodeOptions(url: string, connectionName: string): NodeOptions {
  const parsed = parseConnectionString(url);
  const { defaultCredentials: user, tlsCAFile, userCertFile, userKeyFile } = parsed;
  const file = (path: string | undefined) => (path === undefined ? undefined : readFileSync(resolve(path)));
  const isSecure = parsed.tls !== false;
  const [ca, cert, key] = isSecure ? [tlsCAFile, userCertFile, userKeyFile].map(file) : [];
  return {
    tls: isSecure ? { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) } : undefined,
    headers: {
      'connection-name': connectionName,
      // As the client has it: credentials are never sent in the clear.
      ...(isSecure && user && { authorization: `Basic ${basic(user)}` }),
    },
    keepAliveMs: parsed.keepAliveInterval ?? keepAlive.intervalMs,
    keepAliveTimeoutMs: parsed.keepAliveTimeout ?? keepAlive.timeoutMs,
  };
}

const basic = ({ username, password }: { readonly username: string; readonly password: string }): string =>
  Buffer.from(`${username}:${password}`).toString('base64');

/** `dns:host:port`, as gRPC names a target. */
const target = /^(?:(?:dns|ipv4|ipv6):\/*)?(?<host>.+):(?<port>\d+)$/;

export class NodeConnection {
  private readonly session: GrpcSession;
  private appends: AppendCall | undefined;

  /** @param address as gRPC names targets */
  constructor(address: string, options: NodeOptions) {
    const { host = address, port = '2113' } = target.exec(address)?.groups ?? {};
    this.session = new GrpcSession({ ...options, host, port: Number(port) });
  }

  /** Whether it can be used; otherwise make a new one. */
  get isOpen(): boolean {
    return this.session.isOpen;
  }

  append(stream: string, expected: ExpectedRevision, events: readonly ProposedEvent[]): Promise<Appended> {
    if (!this.appends?.isOpen) this.appends = new AppendCall(this.session);
    return this.appends.append(stream, expected, events);
  }

  /** @param request see read-request.ts */
  read(request: Buffer): EventRead {
    return new EventRead(this.session, request);
  }

  /** A read whose answers the listener is told as they come, and that has no end of its own. */
  subscribe(request: Buffer, listener: CallListener): GrpcCall {
    const call = this.session.call(readPath, listener);
    call.end([request]);
    return call;
  }

  /** Lets what is under way end. */
  close(): void {
    this.appends?.close();
    this.session.close();
  }

  /** Ends all at once. */
  destroy(): void {
    this.session.destroy();
  }
}
