/**
 * Which streams, consumers and subjects there are, with their limits: declared here, created when they are missing,
 * compared when they are there. What is different is reported and left alone, because changing a stream can lose messages.
 *
 *   stream        subjects                                                   retention
 *   events        events.<context>.<name>.<version>.<aggregate id>           by age; each context has a durable consumer
 *                                                                            `<context>-from-<source>` on events.<source>.>
 *   commands      commands.<context>.<name>.<version>.<aggregate id>         work queue; durable consumer `<context>`
 *                 commands.<context>.replay.<source>.<name>.<version>.<id>   (dead letters that are replayed)
 *   dead-letters  dead.<context>                                             until dropped
 *
 * nats-server 2.9 allows one filter per consumer, hence one consumer per source, which keeps the order across types.
 */
import { isDeepStrictEqual } from 'node:util';
import {
  AckPolicy,
  DeliverPolicy,
  DiscardPolicy,
  JetStreamApiError,
  RetentionPolicy,
  StorageType,
  type ConsumerConfig,
  type ConsumerInfo,
  type JetStreamManager,
  type StreamConfig,
} from '@nats-io/jetstream';
import { nanos, type WithRequired } from '@nats-io/transport-node';
import { parseContractType } from '../contracts/contract-type.js';
import type { CloudEvent } from '../envelope/cloud-event.js';
import type { Destination, Difference, Inlet } from '../transport/transport.js';
import { subjectToken } from './subject-token.js';

export interface NatsLimits {
  /** Copies of each stream in a cluster; default 1. */
  readonly replicas?: number;
  /** How long integration events are kept, in ms; default 30 days. A context may be away for as long. */
  readonly eventsMaxAgeMs?: number;
  /** How long JetStream recognizes a message that is stored again, in ms; default 10 minutes. */
  readonly duplicateWindowMs?: number;
  /** Messages that one context may have in hand per inlet; default 1,000. */
  readonly maxInHand?: number;
  /** How long JetStream waits for a sign of life about a message before it delivers it again, in ms; default 3,000. */
  readonly ackWaitMs?: number;
}

export type DeclaredStream = WithRequired<Partial<StreamConfig>, 'name'>;
export type DeclaredConsumer = WithRequired<Partial<ConsumerConfig>, 'durable_name' | 'filter_subject'>;

const day = 86_400_000;

export class Topology {
  readonly ackWaitMs: number;
  readonly maxInHand: number;
  private readonly root: string;
  private readonly namePrefix: string;

  /** @param prefix put before the names of streams and subjects, so that several systems can share a server */
  constructor(
    prefix: string | undefined,
    private readonly limits: NatsLimits,
  ) {
    this.root = prefix === undefined ? '' : `${prefix}.`;
    this.namePrefix = prefix === undefined ? '' : `${prefix}-`;
    this.ackWaitMs = limits.ackWaitMs ?? 3_000;
    this.maxInHand = limits.maxInHand ?? 1_000;
  }

  streamName(kind: 'events' | 'commands' | 'dead-letters'): string {
    return this.namePrefix + kind;
  }

  streams(): DeclaredStream[] {
    const { replicas = 1, eventsMaxAgeMs = 30 * day, duplicateWindowMs = 600_000 } = this.limits;
    const everywhere = {
      storage: StorageType.File,
      discard: DiscardPolicy.Old,
      num_replicas: replicas,
      duplicate_window: nanos(duplicateWindowMs),
    };
    return [
      {
        ...everywhere,
        name: this.streamName('events'),
        subjects: [`${this.root}events.>`],
        retention: RetentionPolicy.Limits,
        max_age: nanos(eventsMaxAgeMs),
      },
      {
        ...everywhere,
        name: this.streamName('commands'),
        subjects: [`${this.root}commands.>`],
        retention: RetentionPolicy.Workqueue,
      },
      {
        ...everywhere,
        name: this.streamName('dead-letters'),
        subjects: [`${this.root}dead.*`],
        retention: RetentionPolicy.Limits,
      },
    ];
  }

  consumer(inlet: Inlet): DeclaredConsumer {
    return {
      durable_name: inlet.kind === 'events' ? `${inlet.context}-from-${inlet.source}` : inlet.context,
      filter_subject:
        inlet.kind === 'events' ? `${this.root}events.${inlet.source}.>` : `${this.root}commands.${inlet.context}.>`,
      deliver_policy: DeliverPolicy.All,
      ack_policy: AckPolicy.Explicit,
      ack_wait: nanos(this.ackWaitMs),
      max_ack_pending: this.maxInHand,
      max_deliver: -1,
    };
  }

  /** @throws InvalidSubject */
  messageSubject(destination: Destination, message: Pick<CloudEvent, 'type' | 'subject'>): string {
    const { context, name, version } = parseContractType(message.type);
    const token = subjectToken(message.subject);
    if (destination.kind === 'events') return `${this.root}events.${context}.${name}.v${version}.${token}`;
    const to = `${this.root}commands.${destination.context}`;
    return destination.context === context
      ? `${to}.${name}.v${version}.${token}`
      : `${to}.replay.${context}.${name}.v${version}.${token}`;
  }

  deadLetterSubject(context: string): string {
    return `${this.root}dead.${context}`;
  }
}

const notFound = (error: unknown): boolean => error instanceof JetStreamApiError && error.status === 404;

/** Creates the streams that are missing and compares the others. */
export async function reconcileStreams(
  manager: JetStreamManager,
  declared: readonly DeclaredStream[],
): Promise<Difference[]> {
  const differences: Difference[] = [];
  for (const stream of declared) {
    try {
      const { config } = await manager.streams.info(stream.name);
      differences.push(...compare(`stream ${stream.name}`, stream, config));
    } catch (error) {
      if (!notFound(error)) throw error;
      // Another process may be first; creating a stream that is there with the same configuration does nothing.
      await manager.streams.add(stream);
    }
  }
  return differences;
}

/** Creates the durable consumer when it is missing and compares it otherwise. */
export async function reconcileConsumer(
  manager: JetStreamManager,
  stream: string,
  declared: DeclaredConsumer,
): Promise<{ info: ConsumerInfo; differences: Difference[] }> {
  try {
    const info = await manager.consumers.info(stream, declared.durable_name);
    return { info, differences: compare(`consumer ${declared.durable_name}`, declared, info.config) };
  } catch (error) {
    if (!notFound(error)) throw error;
    return { info: await manager.consumers.add(stream, declared), differences: [] };
  }
}

function compare(what: string, declared: object, actual: object): Difference[] {
  const found = actual as Readonly<Record<string, unknown>>;
  return Object.entries(declared)
    .filter(([field, value]) => !isDeepStrictEqual(value, found[field]))
    .map(([field, value]) => ({ what, field, declared: value as unknown, actual: found[field] }));
}
