/**
 * What Annals needs from the thing that carries messages between contexts. Two implementations, one contract suite:
 * `nats` (JetStream) and `eventstore` (streams of the event store, no broker).
 *
 *   events    every context that subscribes to a source gets each of its messages at least once
 *   commands  the one context that is addressed gets each message at least once; it's where dead letters are replayed too
 *
 * Messages of one inlet with the same subject are handled one after the other, in the order in which they were taken;
 * also after a lost connection, a crash or a restart of the broker.
 */
import type { CloudEvent } from '../envelope/cloud-event.js';
import type { DeadLetters, NewDeadLetter } from './dead-letters.js';

/** Where a message goes: to everybody, or to one context. */
export type Destination = { readonly kind: 'events' } | { readonly kind: 'commands'; readonly context: string };

/** A durable place from which a context takes messages; each keeps its own progress. */
export type Inlet =
  | { readonly kind: 'events'; readonly context: string; readonly source: string }
  | { readonly kind: 'commands'; readonly context: string };

export const inletName = (inlet: Inlet): string =>
  inlet.kind === 'events' ? `${inlet.context} from ${inlet.source}` : `${inlet.context} commands`;

/** One delivery of a message. */
export interface Delivery {
  /** The message as it came; readable or not. */
  readonly body: string;
  /** Where the transport keeps the message; the same for every delivery of it, another one for a replay. */
  readonly place: string;
  /** Which delivery of the message this is, from 1, as far as the transport knows. */
  readonly deliveries: number;
}

/**
 * Deals with a delivery: returns when its effect is done or it is a dead letter (then the transport forgets it).
 * @throws when `signal` was aborted: the message is delivered again
 */
export type Receive = (delivery: Delivery, signal: AbortSignal) => Promise<void>;

export interface InletStatus {
  readonly name: string;
  readonly state: 'starting' | 'running' | 'failing' | 'stopped';
  /** Why it is failing. */
  readonly reason?: string;
  /** Messages taken and not finished. */
  readonly inHand: number;
}

export interface RunningInlet {
  readonly status: InletStatus;
  /** Takes no more, waits for what is being handled, gives the rest back. */
  stop(): Promise<void>;
}

/** Something at the broker is not as declared in code. It is used as it is: mend it by hand, or change the declaration. */
export interface Difference {
  /** For instance `stream events`. */
  readonly what: string;
  readonly field: string;
  readonly declared: unknown;
  readonly actual: unknown;
}

export interface TransportStatus {
  readonly transport: string;
  readonly connected: boolean;
  /** Why it is not connected. */
  readonly reason?: string;
  readonly differences: readonly Difference[];
  readonly inlets: readonly InletStatus[];
}

export interface Transport {
  readonly name: string;
  readonly deadLetters: DeadLetters;
  status(): TransportStatus;
  /**
   * Returns when the message is stored. A message with an id that was stored before is not stored again, as far back as
   * the transport remembers. Whoever cares for the order awaits one before giving the next.
   * @throws MessagingUnavailable, MessageTooLarge, InvalidSubject
   */
  publish(destination: Destination, message: CloudEvent): Promise<void>;
  /** Gives `receive` every message of the inlet until it is stopped, whatever fails on the way. */
  consume(inlet: Inlet, receive: Receive): RunningInlet;
  /** Stores a message that could not be dealt with; once per place. @throws MessagingUnavailable */
  bury(letter: NewDeadLetter): Promise<void>;
  /** Stops the inlets and closes what the transport opened. */
  close(): Promise<void>;
}
