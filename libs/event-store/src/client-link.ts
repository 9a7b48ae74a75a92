/**
 * One client object of EventStoreDB together with the calls that wait for it. What the client is for: finding a node
 * (also another one, when that is no longer the leader), and all calls but appends and reads of streams, which go to
 * that node directly (wire/), because the client's own (`@eventstore/db-client` 6.2, dist/streams) cost several times as
 * much, and its appends have traps:
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
import { CallLost } from './wire/grpc-call.js';
import { NodeConnection, nodeOptions, type NodeOptions } from './wire/node-connection.js';
import type { StreamRange } from './wire/read-request.js';
import type { StreamRead } from './wire/stream-read.js';
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
  readonly client: EventStoreDBClient;
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

  /** All events of a range; none when there is no such stream. Rejects with the client's errors, or gRPC's. */
  readAll(stream: string, range: StreamRange): Promise<readonly RecordedEvent[]> {
    return this.onNode('read', (node) => node.read(stream, range).all());
  }

  /** A read to be consumed piece by piece; what breaks it later is for the caller to {@link report}. */
  openRead(stream: string, range: StreamRange): Promise<StreamRead> {
    return this.onNode('read', (node) => Promise.resolve(node.read(stream, range)));
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
    // Not awaited: it waits for ever for a subscription that is paused.
    void this.client.dispose();
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
