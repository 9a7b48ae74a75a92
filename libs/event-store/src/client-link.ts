/**
 * One client object of EventStoreDB together with the calls that wait for it, and what keeps the client's traps
 * (`@eventstore/db-client` 6.2, dist/streams/appendToStream/batchAppend.js) away from them:
 *
 * - Appends of all clients of a process wait in one table of the module. When any client's batch append stream fails,
 *   the appends of all the others are rejected too, and the answer to such an append then throws out of an event
 *   handler, which ends the process. So the client never learns of the failure here: the calls of this link do.
 * - With `throwOnAppendFailure=false` in the connection string a refused append looks like a successful one, and tells a
 *   revision that is wrong. Here it always throws.
 * - Events given as JSON are turned into base64 and back, twice. So all events here are given as bytes, and marked as JSON
 *   on their way out: this link appends nothing else.
 * - A stream that ends without an error, or whose channel is closed, leaves its appends waiting for ever. Here a call
 *   ends at its deadline, when the stream breaks, or when the link is given up, whichever comes first.
 */
import { convertToCommandError, EventStoreDBClient } from '@eventstore/db-client';

/** The call was lost on the way: nobody knows whether it was carried out. */
export class CallLost extends Error {}

interface Call {
  on(event: string, listener: (value: unknown) => void): Call;
  write(request: AppendRequest, ...more: readonly unknown[]): boolean;
}
interface ProposedMessage {
  getMetadataMap(): { set(name: string, value: string): void };
}
/** Of a batch append, or of a single one. */
interface AppendRequest {
  getProposedMessagesList?(): readonly ProposedMessage[];
  getProposedMessage?(): ProposedMessage | undefined;
}
type AppendMethod = (...args: readonly unknown[]) => Call;
type GrpcClient = { batchAppend?: AppendMethod; append?: AppendMethod };
type StreamCreator = (
  service: unknown,
  name: string,
  creator: (client: GrpcClient) => unknown,
  cache?: unknown,
) => () => Promise<unknown>;

/** What the client keeps to itself. */
interface Internals {
  GRPCStreamCreator: StreamCreator;
  execute: <Result>(service: unknown, name: string, action: (client: GrpcClient) => Promise<Result>) => Promise<Result>;
  getChannel(): Promise<{ close(): void }>;
}

export class ClientLink {
  readonly client: EventStoreDBClient;
  private readonly waiting = new Set<(error: Error) => void>();
  private givenUp = false;

  constructor(url: string) {
    this.client = EventStoreDBClient.connectionString(url);
    Object.defineProperty(this.client, 'throwOnAppendFailure', { value: true });
    this.guardAppends();
  }

  /**
   * Settles as `work` does, unless the link breaks or the time is over before.
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
    this.lose(new CallLost('the client was given up after its channel failed'));
    // Closing only tidies up: a client whose channel never came to be has nothing to close.
    const channel = await (this.client as unknown as Internals).getChannel().catch(() => undefined);
    // Not awaited: it waits for ever for a subscription that is paused.
    void this.client.dispose();
    channel?.close();
  }

  private lose(error: Error): void {
    for (const fail of [...this.waiting]) fail(error);
  }

  private guardAppends(): void {
    const internals = this.client as unknown as Internals;
    const { GRPCStreamCreator: create, execute } = internals;
    internals.execute = (service, name, action) =>
      execute(service, name, name === 'appendToStream' ? (client) => action(this.guarded(client)) : action);
    internals.GRPCStreamCreator = (service, name, creator, cache) =>
      create(service, name, name === 'appendToStream' ? (client) => creator(this.guarded(client)) : creator, cache);
  }

  private guarded(client: GrpcClient): GrpcClient {
    const [append, batchAppend] = [client.append?.bind(client), client.batchAppend?.bind(client)];
    const guarded = Object.create(client) as GrpcClient;
    if (append) guarded.append = (...args) => markingJson(append(...args));
    if (batchAppend) guarded.batchAppend = (...args) => this.guardedCall(markingJson(batchAppend(...args)));
    return guarded;
  }

  private guardedCall(call: Call): Call {
    const on = call.on.bind(call);
    call.on = (event, listener) => {
      if (event === 'data') return on(event, (answer) => ignoreUnexpected(() => listener(answer)));
      if (event !== 'error') return on(event, listener);
      // The client's own listener for 'error' is the one that rejects the appends of other clients.
      call.on = on;
      return on(event, (error) => this.lose(convertToCommandError(error as Error)));
    };
    on('end', () => this.lose(new CallLost('the event store ended the stream of appends')));
    return call;
  }
}

function markingJson(call: Call): Call {
  const write = call.write.bind(call);
  call.write = (request, ...more) => {
    for (const message of request.getProposedMessagesList?.() ?? [request.getProposedMessage?.()])
      message?.getMetadataMap().set('content-type', 'application/json');
    return write(request, ...more);
  };
  return call;
}

/** An answer that nobody waits for any more makes the client destructure `undefined`. */
function ignoreUnexpected(handle: () => void): void {
  try {
    handle();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
}
