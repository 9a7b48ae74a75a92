/**
 * Takes a context's messages from one durable JetStream consumer.
 *
 *   link ─▶ session: reconcile consumer ─▶ gate (what was under way comes first) ─▶ queue by subject ─▶ receive ─▶ ack
 *            ▲                                                                                             │
 *            └── link lost, heartbeat missed, consumer gone: forget what has not begun, it comes again ◀───┘
 *
 * Sign of life: while messages are in hand, all of them are reported as in progress together, in the order of the
 * stream. So their ack waits end in that order, and what a crashed process leaves is delivered again in order.
 */
import { fullJitterMs, pause, type Backoff, type Log } from '@annals/core';
import type { ConsumerMessages, JsMsg } from '@nats-io/jetstream';
import { errors } from '@nats-io/transport-node';
import { KeyedQueue } from '../consuming/keyed-queue.js';
import {
  inletName,
  type Difference,
  type Inlet,
  type InletStatus,
  type Receive,
  type RunningInlet,
} from '../transport/transport.js';
import type { Link, NatsLinks } from './connection.js';
import { RedeliveryGate } from './redelivery-gate.js';
import { reconcileConsumer, type Topology } from './topology.js';

export interface NatsInletOptions {
  readonly inlet: Inlet;
  readonly receive: Receive;
  readonly links: NatsLinks;
  readonly topology: Topology;
  readonly concurrency: number;
  readonly onDifferences: (differences: readonly Difference[]) => void;
  readonly log: Log;
}

/** A message whose effect is not done. */
interface InHand {
  /** The delivery to acknowledge: the newest one. */
  message: JsMsg;
  begun: boolean;
}

/**
 * Tells the server about a message. When the connection is gone the message comes again, and is recognized if its effect
 * is done.
 */
function answer(tell: () => void): void {
  try {
    tell();
  } catch (error) {
    if (!(error instanceof errors.ClosedConnectionError)) throw error;
  }
}

const restart: Backoff = { firstMs: 50, maxMs: 2_000 };
const pullMessages = 500;
const heartbeatMs = 2_000;
/** How long `stop` waits for handlers. */
const drainWithinMs = 8_000;

export class NatsInlet implements RunningInlet {
  private readonly stopping = new AbortController();
  private readonly queue: KeyedQueue;
  private readonly inHand = new Map<number, InHand>();
  /** Sequences whose effect is done; some come again because their acknowledgement was lost. */
  private readonly done = new Set<number>();
  /** Settles when it takes no messages any more. */
  readonly stopped: Promise<void>;
  private state: Omit<InletStatus, 'inHand'>;

  constructor(private readonly options: NatsInletOptions) {
    this.state = { name: inletName(options.inlet), state: 'starting' };
    this.queue = new KeyedQueue(options.concurrency);
    this.stopped = this.supervise();
  }

  get status(): InletStatus {
    return { ...this.state, inHand: this.inHand.size };
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.stopped;
  }

  private async supervise(): Promise<void> {
    const { signal } = this.stopping;
    for (let failures = 0; !signal.aborted;) {
      const link = await this.options.links.next(signal);
      if (!link) break;
      try {
        await this.session(link, () => (failures = 0));
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        this.set({ state: 'failing', reason });
        if (!link.lost.aborted)
          this.options.log.warn(`Taking messages (${this.state.name}) was interrupted: ${reason}`);
      }
      await pause(fullJitterMs(++failures, restart), signal);
    }
    this.set({ state: 'stopped' });
  }

  /** Takes messages until the link is lost, something is wrong with the consumer, or the inlet is stopped. */
  private async session(link: Link, onRunning: () => void): Promise<void> {
    const { inlet, topology, onDifferences } = this.options;
    const stream = topology.streamName(inlet.kind);
    this.forgetWhatHasNotBegun();
    // Acknowledgements that are on their way count before the consumer is asked what it waits for.
    await link.connection.flush();
    const { info, differences } = await reconcileConsumer(link.manager, stream, topology.consumer(inlet));
    onDifferences(differences);
    const begun = [...this.inHand.keys()].filter((seq) => seq <= info.delivered.stream_seq).length;
    const gate = new RedeliveryGate<JsMsg>(info.delivered.stream_seq, info.num_ack_pending - begun);

    const messages = await link.client.consumers.getConsumerFromInfo(info).consume({
      max_messages: Math.min(pullMessages, topology.maxInHand),
      expires: 30_000,
      idle_heartbeat: heartbeatMs,
      bind: true,
      callback: (message) => this.take(message, gate),
    });
    const ended = this.endOf(messages, link);
    this.set({ state: 'running' });
    onRunning();
    const lifeSigns = setInterval(() => this.giveSignsOfLife(link, gate), topology.ackWaitMs / 3);
    const gateWatch = this.watchGate(gate, link);
    try {
      await ended;
      messages.stop();
      if (this.stopping.signal.aborted) await this.giveBack(link, gate);
    } finally {
      clearInterval(lifeSigns);
      clearInterval(gateWatch);
      messages.stop();
    }
  }

  private take(message: JsMsg, gate: RedeliveryGate<JsMsg>): void {
    if (this.stopping.signal.aborted) return answer(() => message.nak());
    const held = this.inHand.get(message.seq);
    if (held) {
      held.message = message;
      return;
    }
    if (this.done.has(message.seq)) {
      answer(() => message.ack());
      for (const released of gate.seenAgain(message.seq)) this.begin(released);
      return;
    }
    for (const released of gate.add(message)) this.begin(released);
  }

  private begin(message: JsMsg): void {
    const { seq } = message;
    const { receive, inlet, topology, log } = this.options;
    const body = message.string();
    const inHand: InHand = { message, begun: false };
    this.inHand.set(seq, inHand);
    // The aggregate is the last token of the subject, so nothing has to be parsed here.
    this.queue.add(message.subject.slice(message.subject.lastIndexOf('.') + 1), async () => {
      inHand.begun = true;
      const place = `${topology.streamName(inlet.kind)}/${inlet.context}/${seq}`;
      try {
        await receive({ body, place, deliveries: message.info.deliveryCount }, this.stopping.signal);
        this.remember(seq);
        answer(() => inHand.message.ack());
      } catch (error) {
        if (!this.stopping.signal.aborted) log.error('A message is given back.', { error, place });
        answer(() => inHand.message.nak());
      } finally {
        this.inHand.delete(seq);
      }
    });
  }

  private remember(seq: number): void {
    this.done.add(seq);
    if (this.done.size > 2 * this.options.topology.maxInHand) {
      const [oldest] = this.done;
      if (oldest !== undefined) this.done.delete(oldest);
    }
  }

  private forgetWhatHasNotBegun(): void {
    this.queue.clear();
    for (const [seq, { begun }] of this.inHand) if (!begun) this.inHand.delete(seq);
  }

  private giveSignsOfLife(link: Link, gate: RedeliveryGate<JsMsg>): void {
    if (link.lost.aborted) return;
    const messages = [...gate.waiting, ...[...this.inHand.values()].map(({ message }) => message)];
    for (const message of messages.sort((one, other) => one.seq - other.seq)) answer(() => message.working());
  }

  /** Opens the gate when nothing can be missing any more, or when what is missing does not come. */
  private watchGate(gate: RedeliveryGate<JsMsg>, link: Link): NodeJS.Timeout | undefined {
    if (gate.isOpen) return undefined;
    const { inlet, topology, log } = this.options;
    const openAt = Date.now() + 3 * topology.ackWaitMs;
    const check = async () => {
      if (gate.isOpen || link.lost.aborted) return clearInterval(watch);
      const info = await link.manager.consumers.info(
        topology.streamName(inlet.kind),
        topology.consumer(inlet).durable_name,
      );
      const allHere = info.num_ack_pending <= gate.waiting.length + this.inHand.size;
      if (!allHere && Date.now() < openAt) return;
      if (!allHere) log.warn(`Messages that were under way did not come again in time (${this.state.name}); going on.`);
      for (const message of gate.open()) this.begin(message);
    };
    const watch = setInterval(() => {
      check().catch((error: unknown) => log.warn('The consumer could not be asked what it waits for.', { error }));
    }, topology.ackWaitMs / 2);
    return watch;
  }

  /** At the stop: lets handlers finish, then gives back the rest, which is delivered again at once. */
  private async giveBack(link: Link, gate: RedeliveryGate<JsMsg>): Promise<void> {
    this.queue.clear();
    await Promise.race([this.queue.idle(), pause(drainWithinMs, link.lost)]);
    const notBegun = [...this.inHand.values()].filter(({ begun }) => !begun).map(({ message }) => message);
    for (const message of [...notBegun, ...gate.waiting]) answer(() => message.nak());
    this.inHand.clear();
    await link.connection.flush().catch((error: unknown) => {
      if (!link.lost.aborted) throw error;
    });
  }

  /** Settles when the session is over; rejects with the reason when that was not wanted. */
  private endOf(messages: ConsumerMessages, link: Link): Promise<void> {
    const { signal } = this.stopping;
    return new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => resolve(), { once: true });
      link.lost.addEventListener('abort', () => reject(new Error('the connection is lost')), { once: true });
      if (signal.aborted) resolve();
      if (link.lost.aborted) reject(new Error('the connection is lost'));
      messages.closed().then(
        (error) => reject(error ?? new Error('the consumer was closed')),
        (error: unknown) => reject(error as Error),
      );
      this.watchNotifications(messages, reject).catch(reject);
    });
  }

  private async watchNotifications(messages: ConsumerMessages, fail: (reason: Error) => void): Promise<void> {
    for await (const { type } of messages.status()) {
      switch (type) {
        case 'heartbeats_missed':
          return fail(new Error('the server gives no sign of life'));
        case 'consumer_not_found':
        case 'consumer_deleted':
        case 'stream_not_found':
        case 'no_responders':
          return fail(new Error(`the server says: ${type.replaceAll('_', ' ')}`));
        default:
      }
    }
  }

  private set({ state, reason }: Pick<InletStatus, 'state' | 'reason'>): void {
    this.state = { name: this.state.name, state, ...(reason !== undefined && { reason }) };
  }
}
