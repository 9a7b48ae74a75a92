/**
 * The outbox is the stream itself: a consumer of the context's feed that publishes what the map's `publishes` make of
 * each event, and moves its checkpoint when the transport has stored it. A crash in between publishes some messages
 * again, with the same ids.
 *
 * Messages with the same subject go one after the other, each after the acknowledgement of the one before, because a
 * message that is lost and repeated would otherwise be overtaken. Different subjects go at the same time.
 *
 * An event that can never be published (its map throws, its data is not what the contract promises, it is too large) is
 * parked, with the later events of its stream behind it; all other streams go on (G6).
 */
import { isCodedError, silent, type Log } from '@annals/core';
import { CheckpointKeeper, type CheckpointStore, type FeedConsumer, type RecordedEvent } from '@annals/event-store';
import type { CloudEvent } from '../envelope/cloud-event.js';
import type { Transport } from '../transport/transport.js';
import { publishObserved } from '../observed-messages.js';
import { eventEnvelopes } from './envelopes.js';
import type { Publication } from './publication.js';

export interface Publishing {
  readonly context: string;
  readonly publications: readonly Publication[];
  readonly transport: Pick<Transport, 'publish'>;
}

export interface PublisherOptions extends Publishing {
  readonly checkpoints: CheckpointStore;
  /** Where events wait that cannot be published. */
  readonly parking: PublicationParking;
  /** Name of the checkpoint; default `publisher`. */
  readonly name?: string;
  /** How many messages may wait for their acknowledgement at the same time; default 256. */
  readonly inFlight?: number;
  readonly log?: Log;
}

/** Events that could not be published, in the order of their streams. Parking an event twice changes nothing. */
export interface PublicationParking {
  /** The streams of which something waits. */
  streams(): Promise<ReadonlySet<string>>;
  park(recorded: RecordedEvent, error: string, attempts: number): Promise<void>;
  /** Parks it behind its stream's earlier events; false when none of them waits any more. */
  parkBehind(recorded: RecordedEvent): Promise<boolean>;
}

export interface Publisher extends FeedConsumer {
  /** When the oldest event was recorded that is taken, and neither published nor parked yet. */
  readonly oldestWaiting: Date | undefined;
  /** Saves the checkpoint; after the consumer was stopped. */
  close(): Promise<void>;
}

interface Outgoing {
  readonly message: CloudEvent;
  readonly recorded: RecordedEvent;
}

/** An event that does not go out now: it failed itself, or it follows one of its stream that did. */
interface Held {
  readonly recorded: RecordedEvent;
  readonly failure?: unknown;
}

/** A consumer for `EventFeed.run`. What is unavailable is waited for, and nothing overtakes what waits. */
export function publisher(options: PublisherOptions): Publisher {
  const { checkpoints, parking, name = 'publisher', inFlight = 256, log = silent } = options;
  const prepare = preparation(options);
  /** All streams of which something is parked, and perhaps some of which nothing is any more. */
  let waiting = new Set<string>();

  const onFailure = (error: unknown, failures?: number) =>
    log.error(`Publishing the integration events of '${options.context}' failed; trying again.`, { error, failures });
  const keeper = new CheckpointKeeper(checkpoints, name, onFailure);

  /** @returns the events that cannot go out, in order */
  async function publishAll(events: readonly RecordedEvent[]): Promise<Held[]> {
    const held: Held[] = [];
    const outgoing: Outgoing[] = [];
    for (const recorded of events) {
      if (!prepare.concerns(recorded)) continue;
      const { stream } = recorded.at;
      if (waiting.has(stream)) {
        held.push({ recorded });
        continue;
      }
      try {
        for (const message of prepare.envelopes(recorded)) outgoing.push({ message, recorded });
      } catch (failure) {
        held.push({ recorded, failure });
        waiting.add(stream);
      }
    }
    const refused = await publishInOrder(outgoing, options.transport, inFlight, waiting);
    return [...refused, ...held];
  }

  async function park(held: readonly Held[]): Promise<void> {
    for (const { recorded, failure } of held) {
      if (failure !== undefined) await parkFailed(recorded, failure);
      else if (!(await parking.parkBehind(recorded))) await publishAfterAll(recorded);
    }
  }

  async function parkFailed(recorded: RecordedEvent, failure: unknown): Promise<void> {
    const { stream, id } = recorded.at;
    const reason = messageOf(failure);
    await parking.park(recorded, reason, 1);
    waiting.add(stream);
    log.error(`An event could not be published and is parked: ${reason}`, { stream, id });
  }

  /** What it would wait for is a later event of its stream, or somebody has dealt with it. */
  async function publishAfterAll(recorded: RecordedEvent): Promise<void> {
    waiting.delete(recorded.at.stream);
    try {
      await publishEvent(options, recorded);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      await parkFailed(recorded, error);
    }
  }

  let oldestWaiting: Date | undefined;
  return {
    name,
    maxBatch: 1_000,
    get oldestWaiting() {
      return oldestWaiting;
    },
    async checkpoint() {
      waiting = new Set(await parking.streams());
      return keeper.load();
    },
    async handle({ events, position }) {
      oldestWaiting = events.find(prepare.concerns)?.at.created;
      await park(await publishAll(events));
      oldestWaiting = undefined;
      keeper.advance(position);
    },
    onFailure,
    close: () => keeper.close(),
  };
}

/**
 * Publishes one event by itself, for those that were parked.
 * @throws what it cannot be published for; MessagingUnavailable
 */
export async function publishEvent(publishing: Publishing, recorded: RecordedEvent): Promise<void> {
  for (const message of preparation(publishing).envelopes(recorded))
    await publishObserved(publishing.transport, { kind: 'events' }, message);
}

function preparation({ context, publications }: Publishing) {
  const byEventType = new Map<string, Publication[]>();
  for (const publication of publications)
    byEventType.set(publication.eventType, [...(byEventType.get(publication.eventType) ?? []), publication]);
  return {
    concerns: ({ event }: RecordedEvent): boolean => byEventType.has(event.type),
    envelopes: (recorded: RecordedEvent): CloudEvent[] =>
      eventEnvelopes(context, byEventType.get(recorded.event.type) ?? [], recorded),
  };
}

/**
 * @param waiting streams whose events must not go out; those of refused messages are added
 * @returns the events whose messages the transport refuses for good, and those behind them
 * @throws the first other failure, when everything that was under way is settled
 */
async function publishInOrder(
  outgoing: readonly Outgoing[],
  transport: Pick<Transport, 'publish'>,
  inFlight: number,
  waiting: Set<string>,
): Promise<Held[]> {
  const refused: Held[] = [];
  const bySubject = new Map<string, Outgoing[]>();
  for (const one of outgoing) {
    const siblings = bySubject.get(one.message.subject);
    if (siblings) siblings.push(one);
    else bySubject.set(one.message.subject, [one]);
  }
  const remaining = bySubject.values();
  let failure: { readonly error: unknown } | undefined;
  const send = async ({ message, recorded }: Outgoing) => {
    if (refused.length > 0 && refused.some((one) => one.recorded.at.stream === recorded.at.stream))
      return void refused.push({ recorded });
    try {
      await publishObserved(transport, { kind: 'events' }, message);
    } catch (error) {
      if (!isRefusal(error)) failure ??= { error };
      else {
        refused.push({ recorded, failure: error });
        waiting.add(recorded.at.stream);
      }
    }
  };
  const work = async () => {
    for (const siblings of remaining)
      for (const one of siblings) {
        if (failure) return;
        await send(one);
      }
  };
  await Promise.all(Array.from({ length: Math.min(inFlight, bySubject.size) }, work));
  if (failure) throw failure.error as Error;
  return inFeedOrder(refused, outgoing);
}

/** By their places in the feed: positions do not tell, because the events that one was split into (upcast) share one. */
function inFeedOrder(held: Held[], outgoing: readonly Outgoing[]): Held[] {
  if (held.length < 2) return held;
  const places = new Map(outgoing.map(({ recorded }, place) => [recorded, place]));
  const placeOf = ({ recorded }: Held) => places.get(recorded) ?? 0;
  return held.sort((one, other) => placeOf(one) - placeOf(other));
}

/** Whether sending the message again would have the same end. */
const isRefusal = (error: unknown): boolean =>
  isCodedError(error) && (error.kind === 'invalid' || error.kind === 'unprocessable');

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
