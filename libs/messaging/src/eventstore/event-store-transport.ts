/**
 * Messages between contexts through the event store itself, for machines and small deployments without a broker.
 *
 *   stream                          holds
 *   integration-<context>           what a context publishes
 *   integration_commands-<context>  what is sent to a context, and its dead letters that are replayed
 *   integration_dead-letters        what could not be dealt with
 */
import { deterministicId, isCodedError, silent, type Log } from '@annals/core';
import type { CheckpointStore, EventFeed, EventStore } from '@annals/event-store';
import { isContextName, parseContractType } from '../contracts/contract-type.js';
import type { CloudEvent } from '../envelope/cloud-event.js';
import { InvalidContextName, MessageTooLarge, MessagingUnavailable } from '../errors.js';
import type { NewDeadLetter } from '../transport/dead-letters.js';
import type { Destination, Inlet, Receive, RunningInlet, Transport, TransportStatus } from '../transport/transport.js';
import { EventStoreDeadLetters } from './event-store-dead-letters.js';
import { EventStoreInlet } from './event-store-inlet.js';

export interface EventStoreTransportOptions {
  /** Stays open when the transport is closed. */
  readonly eventStore: EventStore;
  /** Where the inlets' progress is kept. */
  readonly checkpoints: CheckpointStore;
  /** Put before the names of streams, so that several systems can share a store. */
  readonly prefix?: string;
  /** How many messages of different subjects one inlet handles at the same time; default 32. */
  readonly concurrency?: number;
  /** Messages that one inlet may have in hand; default 1,000. */
  readonly maxInHand?: number;
  readonly log?: Log;
}

export class EventStoreTransport implements Transport {
  readonly name = 'eventstore';
  readonly deadLetters: EventStoreDeadLetters;
  private readonly root: string;
  private readonly inlets = new Set<EventStoreInlet>();
  private feed: EventFeed | undefined;
  private failure: string | undefined;

  constructor(private readonly options: EventStoreTransportOptions) {
    const { prefix, eventStore } = options;
    if (prefix !== undefined && !isContextName(prefix)) throw new InvalidContextName(prefix);
    this.root = prefix === undefined ? 'integration' : `${prefix.replaceAll('-', '_')}_integration`;
    this.deadLetters = new EventStoreDeadLetters(
      eventStore.streams,
      `${this.root}_dead-letters`,
      (destination, message, dedupeId) => this.store(destination, message, dedupeId),
      (operation, action) => this.guarded(operation, action),
    );
  }

  status(): TransportStatus {
    const { connected, reason } = this.feed?.status ?? { connected: this.failure === undefined, reason: this.failure };
    return {
      transport: this.name,
      connected,
      ...(!connected && { reason: reason ?? 'not connected yet' }),
      differences: [],
      inlets: [...this.inlets].map(({ status }) => status),
    };
  }

  publish(destination: Destination, message: CloudEvent): Promise<void> {
    return this.store(destination, message, message.id);
  }

  consume(inlet: Inlet, receive: Receive): RunningInlet {
    const { eventStore, checkpoints, concurrency = 32, maxInHand = 1_000, log = silent } = this.options;
    this.feed ??= eventStore.feed([`${this.root}-`, `${this.root}_commands-`]);
    const stream = inlet.kind === 'events' ? `${this.root}-${inlet.source}` : `${this.root}_commands-${inlet.context}`;
    const { feed } = this;
    const running = new EventStoreInlet({
      ...{ inlet, stream, receive, feed, checkpoints, concurrency, maxInHand, log },
      onStopped: (stopped) => void this.inlets.delete(stopped),
    });
    this.inlets.add(running);
    return running;
  }

  bury(letter: NewDeadLetter): Promise<void> {
    return this.deadLetters.bury(letter);
  }

  async close(): Promise<void> {
    await Promise.all([...this.inlets].map((inlet) => inlet.stop()));
    await this.feed?.close();
  }

  private async store(destination: Destination, message: CloudEvent, dedupeId: string): Promise<void> {
    const stream =
      destination.kind === 'events'
        ? `${this.root}-${parseContractType(message.type).context}`
        : `${this.root}_commands-${destination.context}`;
    const toAppend = {
      // The store knows events by UUIDs, and a command's id may be any text.
      id: deterministicId('message', stream, dedupeId),
      event: { type: message.type, data: message },
      metadata: { $correlationId: message.correlationid, $causationId: message.causationid },
    };
    await this.guarded(`append to ${stream}`, () => this.options.eventStore.streams.append(stream, [toAppend], 'any'));
  }

  private async guarded<Result>(operation: string, action: () => Promise<Result>): Promise<Result> {
    try {
      const result = await action();
      this.failure = undefined;
      return result;
    } catch (error) {
      if (isCodedError(error) && error.code === 'EVENT_STORE_APPEND_TOO_LARGE')
        throw new MessageTooLarge(operation, { cause: error });
      this.failure = error instanceof Error ? error.message : String(error);
      throw new MessagingUnavailable(operation, this.failure, { cause: error });
    }
  }
}
