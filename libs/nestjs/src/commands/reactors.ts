/**
 * Runs the map's reactors: each follows the feed from its own checkpoint, in one instance at a time. An event that fails
 * is tried again with growing waits, then parked with its stream's later events behind it; all other streams go on. The
 * checkpoint moves after the work, so an event may come twice when the process dies in between, and never not at all.
 */
import { fullJitterMs, pause, type DomainEvent, type Log } from '@annals/core';
import { beginning, type EventContext, type EventFeed, type FeedBatch, type RecordedEvent } from '@annals/event-store';
import type pg from 'pg';
import { observedReaction } from '../observability/observed-reaction.js';
import { NotParkedReaction } from '../errors.js';
import type { AggregateDefinition } from './aggregate.js';
import type { DurableEventHandler, Reactor } from './reactor.js';
import { holdLease } from './reactor-lease.js';
import { ReactorParking, type ParkedReaction } from './reactor-parking.js';

export interface ReactorsOptions {
  readonly reactors: readonly Reactor[];
  readonly aggregates: readonly AggregateDefinition[];
  readonly feed: EventFeed;
  readonly pool: pg.Pool;
  readonly resolve: (handler: Reactor['handler']) => DurableEventHandler;
  readonly log: Log;
}

export class Reactors {
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

  /** What waits, in order: the first of each stream is the one that failed. */
  parked(name: string): Promise<ParkedReaction[]> {
    return this.parkingOf(name).list();
  }

  /**
   * Tries a parked event and what waits behind it again, in order, up to the first that fails again.
   * @returns how many were done
   * @throws NotParkedReaction
   */
  async retry(name: string, id: string): Promise<number> {
    const { reactor, parking, stream } = await this.waitingWith(name, id);
    // Asked anew after each event: meanwhile more may be parked behind.
    for (let done = 0; ; done++) {
      const [next] = await parking.list(stream);
      if (!next) return done;
      const failure = await this.attempt(reactor, next.recorded, 1, this.stopping.signal);
      if (failure !== undefined) {
        await parking.failedAgain(next.id, failure, 1);
        return done;
      }
      await parking.remove(next.id);
    }
  }

  /** Passes over a parked event for good; what waits behind it is tried. @throws NotParkedReaction */
  async skip(name: string, id: string): Promise<number> {
    const { parking, stream } = await this.waitingWith(name, id);
    await parking.remove(id);
    const [next] = await parking.list(stream);
    return next ? this.retry(name, next.id) : 0;
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
    await aborted(signal);
    await consumer.stop();
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
    for (const [index, recorded] of events.entries()) {
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

  private async waitingWith(name: string, id: string) {
    const reactor = this.options.reactors.find((each) => each.name === name);
    const parking = this.parkingOf(name);
    const all = reactor ? await parking.list() : [];
    const found = all.find((each) => each.id === id);
    if (!reactor || !found) throw new NotParkedReaction(name, id);
    return { reactor, parking, stream: found.stream };
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
