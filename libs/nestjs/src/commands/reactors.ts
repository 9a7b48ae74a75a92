/**
 * Runs the map's reactors: each follows the feed from its own checkpoint, in one instance at a time. An event that fails
 * is tried again with growing waits, then parked with its stream's later events behind it; all other streams go on. The
 * checkpoint moves after the work, so an event may come twice when the process dies in between, and never not at all.
 */
import { fullJitterMs, pause, type DomainEvent, type Log } from '@annals/core';
import {
  beginning,
  type ConsumerStatus,
  type EventContext,
  type EventFeed,
  type FeedBatch,
  type RecordedEvent,
} from '@annals/event-store';
import type pg from 'pg';
import { observedReaction } from '../observability/observed-reaction.js';
import { NotParkedReaction, UnknownReactor } from '../errors.js';
import type { AggregateDefinition } from './aggregate.js';
import type { DurableEventHandler, Reactor } from './reactor.js';
import { holdLease } from './reactor-lease.js';
import { ReactorParking, type ParkedReaction, type ParkedStream } from './reactor-parking.js';

export interface ReactorsOptions {
  readonly reactors: readonly Reactor[];
  readonly aggregates: readonly AggregateDefinition[];
  readonly feed: EventFeed;
  readonly pool: pg.Pool;
  readonly resolve: (handler: Reactor['handler']) => DurableEventHandler;
  readonly log: Log;
}

export interface ReactorStatus {
  readonly name: string;
  /** `elsewhere`: another instance of the app runs it, and knows how it goes. */
  readonly state: ConsumerStatus['state'] | 'elsewhere';
  /** Up to where it has dealt with the feed; undefined before its first event. */
  readonly position: bigint | undefined;
  /** How old the event is that it is at, in ms, 0 when there is none; undefined when it runs elsewhere. */
  readonly lagMs: number | undefined;
  readonly lastError: string | undefined;
  /** How many streams stand still behind a parked event. */
  readonly parked: number;
}

/** What a retry came to. */
export interface ReactionRetry {
  /** Events that were dealt with (skipped ones are not). */
  readonly done: number;
  /** Events of the stream that still wait. */
  readonly waiting: number;
}

/** A reactor that this instance runs. */
interface Following {
  readonly consumer: { readonly status: ConsumerStatus };
  /** When the event was recorded that it is at. */
  at?: Date | undefined;
}

export class Reactors {
  private readonly following = new Map<string, Following>();
  private readonly stopping = new AbortController();
  private running: Promise<unknown> = Promise.resolve();

  constructor(private readonly options: ReactorsOptions) {}

  async start(): Promise<void> {
    const { reactors, pool, log } = this.options;
    if (reactors.length === 0) return;
    await ReactorParking.create(pool);
    const { signal } = this.stopping;
    this.running = Promise.all(
      reactors.map((reactor) =>
        holdLease({ pool, name: reactor.name, log }, signal, (holding) => this.follow(reactor, holding)),
      ),
    );
  }

  /** Finishes the event in hand. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  /** How each of them goes, as far as this instance knows. */
  status(): Promise<ReactorStatus[]> {
    return Promise.all(
      this.options.reactors.map(async ({ name }): Promise<ReactorStatus> => {
        const parking = this.parkingOf(name);
        const [position, streams] = await Promise.all([parking.position(), parking.streams()]);
        const here = this.following.get(name);
        return {
          ...{ name, position, parked: streams.size },
          state: here?.consumer.status.state ?? 'elsewhere',
          lagMs: here && (here.at ? Math.max(0, Date.now() - here.at.getTime()) : 0),
          lastError: here?.consumer.status.state === 'failing' ? here.consumer.status.lastError : undefined,
        };
      }),
    );
  }

  /** What waits, in order: the first of each stream is the one that failed. @throws UnknownReactor */
  async parked(name: string): Promise<ParkedReaction[]> {
    return this.parkingOf(this.named(name).name).list();
  }

  /** The first event of each stream that waits. @throws UnknownReactor */
  async parkedStreams(name: string): Promise<ParkedStream[]> {
    return this.parkingOf(this.named(name).name).heads();
  }

  /** All that waits together with a parked event, in order. @throws UnknownReactor, NotParkedReaction */
  async waitingWith(name: string, id: string): Promise<readonly [ParkedReaction, ...ParkedReaction[]]> {
    const all = await this.parked(name);
    const stream = all.find((each) => each.id === id)?.stream;
    const [first, ...others] = all.filter((each) => each.stream === stream);
    if (stream === undefined || !first) throw new NotParkedReaction(name, id);
    return [first, ...others];
  }

  /**
   * Tries a parked event and what waits with it again, in order, up to the first that fails again.
   * @throws UnknownReactor, NotParkedReaction
   */
  async retry(name: string, id: string): Promise<ReactionRetry> {
    const [{ stream }] = await this.waitingWith(name, id);
    return this.again(name, stream);
  }

  /** Passes over a parked event for good; what waits behind it is tried. @throws UnknownReactor, NotParkedReaction */
  async skip(name: string, id: string): Promise<ReactionRetry> {
    const [{ stream }] = await this.waitingWith(name, id);
    await this.parkingOf(name).remove(id);
    return this.again(name, stream);
  }

  private async again(name: string, stream: string): Promise<ReactionRetry> {
    const reactor = this.named(name);
    const parking = this.parkingOf(name);
    // Asked anew after each event: meanwhile more may be parked behind.
    for (let done = 0; ; done++) {
      const waiting = await parking.list(stream);
      const [next] = waiting;
      if (!next) return { done, waiting: 0 };
      const failure = await this.attempt(reactor, next.recorded, 1, this.stopping.signal);
      if (failure !== undefined) {
        await parking.failedAgain(next.id, failure, 1);
        return { done, waiting: waiting.length };
      }
      await parking.remove(next.id);
    }
  }

  private async follow(reactor: Reactor, signal: AbortSignal): Promise<void> {
    const { feed, log } = this.options;
    const parking = this.parkingOf(reactor.name);
    const consumer = feed.run({
      name: reactor.name,
      checkpoint: async () => (await parking.position()) ?? beginning,
      handle: (batch, stop) => this.handle(reactor, parking, batch, AbortSignal.any([stop, signal])),
      maxBatch: 100,
      onFailure: (error, failures) =>
        log.warn(`The reactor ${reactor.name} begins again at its checkpoint.`, { error, failures }),
    });
    this.following.set(reactor.name, { consumer });
    await aborted(signal);
    await consumer.stop();
    this.following.delete(reactor.name);
  }

  private async handle(
    reactor: Reactor,
    parking: ReactorParking,
    batch: FeedBatch,
    signal: AbortSignal,
  ): Promise<void> {
    const types = this.typesOf(reactor);
    const events = batch.events.filter(({ event }) => types.has(event.type));
    // Asked anew for each batch: somebody may have dealt with parked events meanwhile.
    const parked = events.length > 0 ? await parking.streams() : new Set<string>();
    const following = this.following.get(reactor.name);
    for (const [index, recorded] of events.entries()) {
      if (following) following.at = recorded.at.created;
      if (parked.has(recorded.at.stream) && (await parking.parkBehind(recorded))) continue;
      const failure = await this.attempt(reactor, recorded, reactor.retry.attempts, signal);
      if (signal.aborted && failure !== undefined) return;
      if (failure !== undefined) {
        this.options.log.error(`${reactor.name} parked an event: ${failure}`, { id: recorded.at.id });
        await parking.park(recorded, failure, reactor.retry.attempts);
        parked.add(recorded.at.stream);
      }
      // An event that was split (upcast) is several at one position: the checkpoint never stands between them.
      const next = events[index + 1]?.at.position;
      if (signal.aborted && next !== recorded.at.position) return parking.moveTo(recorded.at.position);
    }
    await parking.moveTo(batch.position);
    if (following) following.at = undefined;
  }

  /** Why it failed in all attempts; undefined when it was done. */
  private async attempt(
    { name, handler, retry, eventClasses }: Reactor,
    { event, at }: RecordedEvent,
    attempts: number,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const instance = this.options.resolve(handler) as { handle(event: object, at: EventContext): unknown };
    for (let attempt = 1; ; attempt++) {
      try {
        await observedReaction(name, at, () => instance.handle(this.asHandled(event, eventClasses), at));
        return undefined;
      } catch (error) {
        if (attempt >= attempts || signal.aborted) return error instanceof Error ? error.message : String(error);
        await pause(fullJitterMs(attempt, retry.backoff), signal);
      }
    }
  }

  /** Handlers of class-style aggregates get instances of their classes; the others the event as plain data. */
  private asHandled(event: DomainEvent, classes: Reactor['eventClasses']): object {
    if (classes.some((each) => each.type === event.type)) return event;
    const owner = this.options.aggregates.find(({ eventTypes }) => eventTypes.includes(event.type));
    return owner ? owner.toInstance(event) : event;
  }

  /** The stored types of the events that a reactor's class handles. */
  private typesOf({ eventClasses }: Reactor): Set<string> {
    const tagged = eventClasses.flatMap(({ type }) => type ?? []);
    const named = this.options.aggregates.flatMap((owner) =>
      owner.eventTypes.filter((type) =>
        eventClasses.some((each) => owner.toInstance({ type, data: {} }).constructor === each),
      ),
    );
    return new Set([...tagged, ...named]);
  }

  private parkingOf(name: string): ReactorParking {
    return new ReactorParking(this.options.pool, name);
  }

  private named(name: string): Reactor {
    const { reactors } = this.options;
    const reactor = reactors.find((each) => each.name === name);
    if (reactor) return reactor;
    throw new UnknownReactor(
      name,
      reactors.map((each) => each.name),
    );
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
