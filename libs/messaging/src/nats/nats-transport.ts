/** Messages between contexts over NATS JetStream. */
import { silent, type Log } from '@annals/core';
import { headers, type Payload } from '@nats-io/transport-node';
import { isContextName } from '../contracts/contract-type.js';
import { cloudEventsContentType, type CloudEvent } from '../envelope/cloud-event.js';
import { InvalidContextName, MessageTooLarge, MessagingUnavailable } from '../errors.js';
import type { NewDeadLetter } from '../transport/dead-letters.js';
import type {
  Destination,
  Difference,
  Inlet,
  Receive,
  RunningInlet,
  Transport,
  TransportStatus,
} from '../transport/transport.js';
import { NatsLinks } from './connection.js';
import { NatsDeadLetters } from './nats-dead-letters.js';
import { NatsInlet } from './nats-inlet.js';
import type { NatsSettings } from './settings.js';
import { reconcileStreams, Topology, type NatsLimits } from './topology.js';

export interface NatsTransportOptions extends NatsSettings {
  /** Shown by the server's monitoring, for instance the name of the context. */
  readonly clientName?: string;
  /** Put before the names of streams and subjects, so that several systems can share a server. */
  readonly prefix?: string;
  readonly limits?: NatsLimits;
  /** How many messages of different subjects one inlet handles at the same time; default 32. */
  readonly concurrency?: number;
  /** How long a call waits for the connection, and then for its answer, in ms; default 5,000. */
  readonly callTimeoutMs?: number;
  readonly log?: Log;
}

export class NatsTransport implements Transport {
  readonly name = 'nats';
  readonly deadLetters: NatsDeadLetters;
  private readonly log: Log;
  private readonly topology: Topology;
  private readonly links: NatsLinks;
  private readonly inlets = new Set<NatsInlet>();
  private readonly differences = new Map<string, Difference>();

  constructor(private readonly options: NatsTransportOptions) {
    const { prefix, limits = {}, clientName = 'annals', callTimeoutMs = 5_000, log = silent } = options;
    if (prefix !== undefined && !isContextName(prefix)) throw new InvalidContextName(prefix);
    this.log = log;
    this.topology = new Topology(prefix, limits);
    this.links = new NatsLinks(
      options,
      clientName,
      async (manager) => {
        const differences = await reconcileStreams(manager, this.topology.streams());
        this.differences.clear();
        this.report(differences);
      },
      callTimeoutMs,
      log,
    );
    this.deadLetters = new NatsDeadLetters(this.links, this.topology, (destination, message, dedupeId) =>
      this.storeMessage(destination, message, dedupeId),
    );
  }

  status(): TransportStatus {
    const { connected, reason } = this.links;
    return {
      transport: this.name,
      connected,
      ...(!connected && { reason }),
      differences: [...this.differences.values()],
      inlets: [...this.inlets].map(({ status }) => status),
    };
  }

  async publish(destination: Destination, message: CloudEvent): Promise<void> {
    await this.storeMessage(destination, message, message.id);
  }

  consume(inlet: Inlet, receive: Receive): RunningInlet {
    const { links, topology, log } = this;
    const { concurrency = 32 } = this.options;
    const running = new NatsInlet({
      ...{ inlet, receive, links, topology, concurrency, log },
      onDifferences: (differences) => this.report(differences),
    });
    this.inlets.add(running);
    void running.stopped.then(() => this.inlets.delete(running));
    return running;
  }

  async bury(letter: NewDeadLetter): Promise<void> {
    const subject = this.topology.deadLetterSubject(letter.context);
    await this.store(subject, JSON.stringify(letter), `dead letter from ${letter.place}`, 'application/json');
  }

  async close(): Promise<void> {
    await Promise.all([...this.inlets].map((inlet) => inlet.stop()));
    await this.links.close();
  }

  private storeMessage(destination: Destination, message: CloudEvent, dedupeId: string): Promise<void> {
    const subject = this.topology.messageSubject(destination, message);
    return this.store(subject, JSON.stringify(message), dedupeId, cloudEventsContentType);
  }

  private async store(
    subject: string,
    payload: Payload & string,
    dedupeId: string,
    contentType: string,
  ): Promise<void> {
    const operation = `publish to ${subject}`;
    const { client, connection } = await this.links.use(operation);
    const maxBytes = connection.info?.max_payload ?? Infinity;
    const bytes = Buffer.byteLength(payload);
    if (bytes > maxBytes) throw new MessageTooLarge(operation, {}, `${bytes} of at most ${maxBytes} bytes`);
    const described = headers();
    described.set('content-type', contentType);
    try {
      await client.publish(subject, payload, { msgID: dedupeId, headers: described });
    } catch (error) {
      throw new MessagingUnavailable(operation, error instanceof Error ? error.message : String(error), {
        cause: error,
      });
    }
  }

  private report(differences: readonly Difference[]): void {
    for (const difference of differences) {
      const key = `${difference.what} ${difference.field}`;
      if (!this.differences.has(key))
        this.log.warn(
          `The ${difference.what} is not as declared: ${difference.field} is ${JSON.stringify(difference.actual)}, ` +
            `declared is ${JSON.stringify(difference.declared)}. It is used as it is.`,
        );
      this.differences.set(key, difference);
    }
  }
}
