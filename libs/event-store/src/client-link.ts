/**
 * One client object of EventStoreDB together with the calls that wait for it. The client finds the node, also another one
 * when that is no longer the leader. What is said to the node goes there directly (wire/), because the client's own calls
 * (`@eventstore/db-client` 6.2, dist/streams) cost several times as much, its channels wait up to two minutes before they
 * try a node again that was away, and its appends have traps:
 *
 * - Appends of all clients of a process wait in one table of the module. When any client's batch append stream fails,
 *   the appends of all the others are rejected too, and the answer to such an append then throws out of an event
 *   handler, which ends the process.
 * - With `throwOnAppendFailure=false` in the connection string a refused append looks like a successful one, and tells a
 *   revision that is wrong.
 * - A stream that ends without an error, or whose channel is closed, leaves its appends waiting for ever. Here a call
 *   ends at its deadline, when the stream breaks, or when the link is given up, whichever comes first.
 */
import { EventStoreDBClient } from '@eventstore/db-client';
import streamsGrpc from '@eventstore/db-client/generated/streams_grpc_pb.js';
import type { Appended, ExpectedRevision, ProposedEvent } from './wire/append-messages.js';
import type { EventRead } from './wire/event-read.js';
import { CallLost, type CallListener, type GrpcCall } from './wire/grpc-call.js';
import { NodeConnection, nodeOptions, type NodeOptions } from './wire/node-connection.js';
import type { RecordedEvent } from './recorded-event.js';

interface Channel {
  getTarget(): string;
  close(): void;
}

/** What the client keeps to itself. */
interface Internals {
  /** Has the client turn to another node when `action` fails so that it should. */
  execute<Result>(
    service: unknown,
    name: string,
    action: (client: { getChannel(): Channel }) => Promise<Result>,
  ): Promise<Result>;
  getChannel(): Promise<Channel>;
}

export class ClientLink {
  private readonly client: EventStoreDBClient;
  private readonly internals: Internals;
  private readonly options: NodeOptions;
  private node: { readonly channel: Channel; readonly connection: NodeConnection } | undefined;
  private readonly waiting = new Set<(error: Error) => void>();
  private givenUp = false;

  constructor(url: string) {
    this.client = EventStoreDBClient.connectionString(url);
    this.internals = this.client as unknown as Internals;
    this.options = nodeOptions(url, this.client.connectionName);
  }

  /** Rejects with the client's errors, or gRPC's. */
  append(stream: string, expected: ExpectedRevision, events: readonly ProposedEvent[]): Promise<Appended> {
    return this.onNode('append', (node) => node.append(stream, expected, events));
  }

  /** All events that a read gives. Rejects with the client's errors, or gRPC's. */
  readAll(request: Buffer): Promise<readonly RecordedEvent[]> {
    return this.onNode('read', (node) => node.read(request).all());
  }

  /** A read to be consumed piece by piece; what breaks it later is for the caller to {@link report}. */
  openRead(request: Buffer): Promise<EventRead> {
    return this.onNode('read', (node) => Promise.resolve(node.read(request)));
  }

  /** See `NodeConnection.subscribe`; what breaks it later is for the caller to {@link report}. */
  subscribe(request: Buffer, listener: CallListener): Promise<GrpcCall> {
    return this.onNode('subscribe', (node) => Promise.resolve(node.subscribe(request, listener)));
  }

  /** Lets the client turn to another node where the error says so. */
  async report(error: unknown): Promise<void> {
    const rejected = () => Promise.reject(error instanceof Error ? error : new Error(String(error)));
    await this.internals.execute(streamsGrpc.StreamsClient, 'read', rejected).catch(() => undefined);
  }

  /**
   * Settles as `work` does, unless the link is given up or the time is over before.
   * @throws CallLost
   */
  settle<Result>(operation: string, work: Promise<Result>, timeoutMs: number): Promise<Result> {
    return new Promise((resolve, reject) => {
      const timer =
        timeoutMs === Infinity
          ? undefined
          : setTimeout(() => fail(new CallLost(`${operation} was not answered within ${timeoutMs} ms`)), timeoutMs);
      const done = () => {
        clearTimeout(timer);
        this.waiting.delete(fail);
      };
      const fail = (error: Error) => {
        done();
        reject(error);
      };
      if (this.givenUp) return fail(new CallLost('the client was given up'));
      this.waiting.add(fail);
      work.then((result) => {
        done();
        resolve(result);
      }, fail);
    });
  }

  /** Ends all that is under way on this client, and its channel. */
  async giveUp(): Promise<void> {
    this.givenUp = true;
    for (const fail of [...this.waiting]) fail(new CallLost('the client was given up after its channel failed'));
    this.node?.connection.destroy();
    // Closing only tidies up: a client whose channel never came to be has nothing to close.
    const channel = await this.internals.getChannel().catch(() => undefined);
    channel?.close();
  }

  private onNode<Result>(name: string, action: (node: NodeConnection) => Promise<Result>): Promise<Result> {
    return this.internals.execute(streamsGrpc.StreamsClient, name, (grpc) => action(this.nodeOf(grpc.getChannel())));
  }

  /** The connection to the node that the client's channel leads to. */
  private nodeOf(channel: Channel): NodeConnection {
    if (this.givenUp) throw new CallLost('the client was given up');
    const { node } = this;
    if (node?.channel === channel && node.connection.isOpen) return node.connection;
    node?.connection.close();
    const connection = new NodeConnection(channel.getTarget(), this.options);
    this.node = { channel, connection };
    return connection;
  }
}
