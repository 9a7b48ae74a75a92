/**
 * One persistent subscription group: a cursor on its source, a bounded buffer, consumers, and what each has in flight.
 *
 *   source -> buffered -> in flight (at a consumer) -- ack, skip, stop -----------------------------> done
 *                 ^             |-- retry, timeout, consumer gone --> retrying --> in flight
 *                 |             '-- park, or retried too often -----> appended to the parked stream --> done
 *              replay of parked messages (served before what is buffered)
 *
 * The checkpoint is the last event of the source before which everything is done; after a restart the group goes on behind
 * it, so what was in flight is delivered again.
 */
import { MaximumSubscribersReached, PersistentSubscriptionDropped } from '../errors.js';
import type { EventDatabase } from '../storage/event-database.js';
import type { StreamWriter } from '../streams/append.js';
import { resolve } from '../streams/read.js';
import { openSource, type EventSource } from './event-source.js';
import { GroupStreams } from './group-streams.js';
import { InFlight } from './in-flight.js';
import type { Message } from './message.js';
import type { GroupConfig } from './settings.js';
import { strategyNamed, type Candidate, type Strategy } from './strategies.js';

export type NackAction = 'park' | 'retry' | 'skip' | 'stop';

export interface ConsumerInfo {
  readonly from: string;
  readonly username: string;
  readonly connectionName: string;
}

export interface Consumer extends Candidate {
  readonly info: ConsumerInfo;
  readonly bufferSize: number;
  inFlight: number;
  total: number;
  deliver(message: Message): void;
  drop(error: Error): void;
}

const TICK_MS = 100;
/** How many messages a consumer that is held may be passed over for. */
const LOOK_AHEAD = 500;

export class PersistentGroup {
  readonly streams: GroupStreams;
  readonly consumers: Consumer[] = [];
  private readonly strategy: Strategy;
  private readonly source: EventSource;
  private readonly unwatch: () => void;
  private readonly timer: NodeJS.Timeout;
  private buffer: Message[] = [];
  private retrying: Message[] = [];
  private readonly inFlight = new InFlight<Consumer>();
  /** Sequences not done with, in the order of the source, each with the one before it. */
  private readonly pending = new Map<number, number>();
  private lastSequence: number;
  private checkpoint: number | undefined;
  private doneSinceCheckpoint = 0;
  private checkpointDue: number;
  private saving: Promise<void> | undefined;
  private replayedUpTo = 0;
  private readonly replaying = new Set<number>();
  private closed = false;
  lastKnown = -1;
  totalItems = 0;

  constructor(
    private readonly database: EventDatabase,
    writer: StreamWriter,
    readonly config: GroupConfig,
    private readonly now: () => number = Date.now,
  ) {
    const { stream, group, settings } = config;
    this.streams = new GroupStreams(database, writer, stream, group);
    this.strategy = strategyNamed(settings.strategy) ?? (strategyNamed('RoundRobin') as Strategy);
    this.checkpoint = this.streams.loadCheckpoint();
    this.source = openSource(database, stream, settings, this.checkpoint);
    this.lastSequence = this.source.lookedAt;
    this.checkpointDue = this.now() + settings.checkpointAfterMs;
    this.unwatch = this.source.watch(() => this.pump());
    this.timer = setInterval(() => this.tick(), Math.min(TICK_MS, Math.max(10, settings.checkpointAfterMs))).unref();
    this.fetch();
  }

  get isOnTombstone(): boolean {
    return this.config.stream !== '$all' && this.lastKnown < 0 && this.database.isTombstoned(this.config.stream);
  }
  get status(): string {
    return this.isOnTombstone ? 'Behind, OutstandingPageRequest' : 'Live';
  }
  get outstanding(): number {
    return this.inFlight.size;
  }
  get retryCount(): number {
    return this.retrying.length;
  }
  get bufferedCount(): number {
    return this.buffer.length;
  }
  get checkpointed(): number | undefined {
    return this.checkpoint;
  }

  /** @throws MaximumSubscribersReached */
  connect(consumer: Consumer): void {
    const { maxSubscriberCount } = this.config.settings;
    if (maxSubscriberCount > 0 && this.consumers.length >= maxSubscriberCount)
      throw new MaximumSubscribersReached(this.config.stream, this.config.group);
    this.consumers.push(consumer);
    if (this.isOnTombstone) {
      this.disconnect(consumer);
      consumer.drop(this.dropped());
      return;
    }
    this.pump();
  }

  disconnect(consumer: Consumer): void {
    const index = this.consumers.indexOf(consumer);
    if (index < 0) return;
    this.consumers.splice(index, 1);
    const lost = this.inFlight.takeAll(consumer);
    for (const message of lost) message.retries++;
    this.retrying = [...this.retrying, ...lost].sort((a, b) => a.sequence - b.sequence);
    this.pump();
    if (this.consumers.length === 0) this.saveCheckpoint(true);
  }

  ack(consumer: Consumer, ids: readonly string[]): void {
    for (const id of ids) {
      const message = this.take(consumer, id);
      if (message) this.done(message);
    }
    this.pump();
  }

  nack(consumer: Consumer, ids: readonly string[], action: NackAction, reason: string): void {
    for (const id of ids) {
      const message = this.take(consumer, id);
      if (!message) continue;
      if (action === 'park') this.park(message, `Client explicitly NAK'ed message.\n${reason}`);
      else if (action === 'retry') this.retry(message);
      else this.done(message);
    }
    this.pump();
  }

  /** Delivers parked messages again: those below revision `stopAt` of the parked stream, or all. */
  replayParked(stopAt: number | undefined): void {
    const messages: Message[] = [];
    let last = -1;
    for (const link of this.streams.parked(this.replayedUpTo, stopAt ?? Infinity)) {
      last = link.revision;
      const event = this.database.linkTarget(link);
      if (!event) continue; // its event is gone for good
      const message = {
        id: link.id,
        resolved: { event: event.detached(), link: link.detached() },
        sequence: -1,
        parkedRevision: link.revision,
        retries: 0,
      };
      this.replaying.add(link.revision);
      messages.push(message);
    }
    if (last < 0) return;
    this.replayedUpTo = last + 1;
    this.retrying = [...messages, ...this.retrying];
    if (messages.length === 0) this.truncateReplayed();
    this.pump();
  }

  /** Stops without a trace in memory; consumers are told. */
  async close(error: Error = this.dropped()): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.unwatch();
    clearInterval(this.timer);
    for (const consumer of this.consumers.splice(0)) consumer.drop(error);
    await this.saving;
    this.saveCheckpoint(true);
    await this.saving;
  }

  private dropped(): PersistentSubscriptionDropped {
    return new PersistentSubscriptionDropped(this.config.stream, this.config.group);
  }

  /** Fills the buffer from the source, then hands out what consumers have room for. */
  private pump(): void {
    if (this.closed) return;
    do this.fetch();
    while (this.dispatch() && this.buffer.length === 0);
  }

  private fetch(): void {
    const limit = this.config.settings.historyBufferSize;
    while (this.buffer.length < limit) {
      const next = this.source.next();
      if (!next) break;
      const resolved = resolve(this.database, next.record, this.config.settings.resolveLinks);
      this.lastKnown = next.record.isTombstone ? this.lastKnown : next.sequence;
      this.totalItems++;
      const original = resolved.link ?? resolved.event;
      // A link whose event is gone is passed over.
      if (!resolved.event || !original) continue;
      this.pending.set(next.sequence, this.lastSequence);
      this.lastSequence = next.sequence;
      const detached = { event: resolved.event.detached(), link: resolved.link?.detached() };
      this.buffer.push({
        id: original.id,
        resolved: detached,
        sequence: next.sequence,
        parkedRevision: undefined,
        retries: 0,
      });
    }
    if (this.pending.size === 0) this.lastSequence = Math.max(this.lastSequence, this.source.lookedAt);
  }

  /** Whether anything was delivered. */
  private dispatch(): boolean {
    if (this.consumers.length === 0) return false;
    const retried = this.dispatchFrom(this.retrying);
    this.retrying = retried.rest;
    if (retried.full) return retried.delivered;
    const fresh = this.dispatchFrom(this.buffer);
    this.buffer = fresh.rest;
    return retried.delivered || fresh.delivered;
  }

  private dispatchFrom(queue: readonly Message[]): { rest: Message[]; delivered: boolean; full: boolean } {
    const held: Message[] = [];
    let taken = 0;
    let full = false;
    for (const message of queue) {
      if (held.length > LOOK_AHEAD) break;
      const choice = this.strategy.choose(this.consumers, message);
      if (choice === 'full') {
        full = true;
        break;
      }
      taken++;
      if (choice === 'held') held.push(message);
      else this.deliver(choice.consumer, message);
    }
    return { rest: [...held, ...queue.slice(taken)], delivered: taken > held.length, full };
  }

  private deliver(consumer: Consumer, message: Message): void {
    const timeout = this.config.settings.messageTimeoutMs;
    this.inFlight.add({ message, consumer, deadline: timeout === 0 ? Infinity : this.now() + timeout });
    consumer.inFlight++;
    consumer.total++;
    consumer.deliver(message);
  }

  /** Takes a message back from its consumer; an id that it does not hold (too late, or unknown) is ignored. */
  private take(consumer: Consumer, id: string): Message | undefined {
    const message = this.inFlight.take(consumer, id);
    if (message) consumer.inFlight--;
    return message;
  }

  private retry(message: Message): void {
    const { maxRetryCount } = this.config.settings;
    if (message.retries >= maxRetryCount) {
      this.park(message, `Reached retry count of ${maxRetryCount}`);
      return;
    }
    message.retries++;
    this.retrying.push(message);
  }

  private park(message: Message, reason: string): void {
    this.streams.park(message, reason).then(
      () => this.done(message),
      // The disk did not take it: try again like any other message rather than lose it.
      () => {
        this.retrying.push(message);
        this.pump();
      },
    );
  }

  private done(message: Message): void {
    if (message.parkedRevision !== undefined) {
      this.replaying.delete(message.parkedRevision);
      if (this.replaying.size === 0) this.truncateReplayed();
      return;
    }
    this.pending.delete(message.sequence);
    this.doneSinceCheckpoint++;
    if (this.doneSinceCheckpoint >= this.config.settings.maxCheckpointCount) this.saveCheckpoint(false);
  }

  private truncateReplayed(): void {
    this.streams.truncateParked(this.replayedUpTo).catch(() => undefined); // they stay parked: replayed again at worst
  }

  private tick(): void {
    const now = this.now();
    const late = this.inFlight.late(now);
    for (const { consumer, message } of late) {
      this.take(consumer, message.id);
      this.retry(message);
    }
    if (late.length > 0) this.pump();
    if (now < this.checkpointDue) return;
    this.checkpointDue = now + this.config.settings.checkpointAfterMs;
    if (this.doneSinceCheckpoint >= this.config.settings.minCheckpointCount) this.saveCheckpoint(false);
  }

  private saveCheckpoint(evenFew: boolean): void {
    if (this.saving || (this.doneSinceCheckpoint === 0 && !evenFew)) return;
    const [lowest] = this.pending;
    const sequence = lowest ? lowest[1] : this.lastSequence;
    if (this.doneSinceCheckpoint === 0 || sequence < 0 || sequence === this.checkpoint) return;
    this.doneSinceCheckpoint = 0;
    this.saving = this.streams
      .saveCheckpoint(sequence)
      .then(() => void (this.checkpoint = sequence))
      .catch(() => void this.doneSinceCheckpoint++) // tried again at the next occasion; until then more is delivered again
      .finally(() => (this.saving = undefined));
  }
}
