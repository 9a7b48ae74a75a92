/**
 * Folded states of aggregates and where they come from: the cache (of this process, perhaps behind the stream), else
 * the snapshot and the events after it, else the whole stream.
 */
import type { DomainEvent, Folding } from '@annals/core';
import { LRUCache } from 'lru-cache';
import { foldRecorded, unfolded, type Folded } from './folded.js';
import { noEvents, type RecordedEvent } from './recorded-event.js';
import type { Snapshots } from './snapshots.js';
import type { StoredEvents } from './stored-events.js';
import type { Streams } from './streams.js';

interface Cached {
  readonly evolve: unknown;
  readonly folded: Folded<unknown>;
}

/** Command ids that all cached aggregates together may remember: at some 40 bytes each. */
const maxRemembered = 1_000_000;

export class Aggregates {
  private readonly cache: LRUCache<string, Cached> | undefined;

  /** @param capacity how many states are kept; 0: none */
  constructor(
    private readonly streams: Streams,
    private readonly snapshots: Snapshots,
    private readonly stored: StoredEvents,
    capacity: number,
  ) {
    if (capacity > 0)
      this.cache = new LRUCache({
        max: capacity,
        maxSize: maxRemembered,
        sizeCalculation: ({ folded }) => 1 + folded.handled.size,
      });
  }

  /** The state that this process knew last, if it still does. Others may have appended since. */
  cached<State, Evt extends DomainEvent>(decider: Folding<State, Evt>, stream: string): Folded<State> | undefined {
    const found = this.cache?.get(stream);
    return found?.evolve === decider.evolve ? (found?.folded as Folded<State>) : undefined;
  }

  remember<State, Evt extends DomainEvent>(decider: Folding<State, Evt>, stream: string, folded: Folded<State>): void {
    this.cache?.set(stream, { evolve: decider.evolve, folded });
  }

  forget(stream: string): void {
    this.cache?.delete(stream);
  }

  /**
   * The state after the newest event, going on from `known` where that still is part of the stream.
   * @throws EvolveFailed, UnknownEvent, UpcastFailed, StreamIsDeleted, EventStoreUnavailable
   */
  async load<State, Evt extends DomainEvent>(
    decider: Folding<State, Evt>,
    stream: string,
    known?: Folded<State>,
  ): Promise<Folded<State>> {
    const base = known ?? (await this.snapshots.load(decider, stream));
    if (base && base.revision > noEvents) {
      // The event that the base ends with is read too: a stream that was deleted or restored since is not the same.
      const [last, ...tail] = await this.streams.readToEnd(stream, { from: base.revision });
      if (last?.at.id === base.lastId) return this.foldOn(decider, base, tail);
    }
    return this.foldOn(decider, unfolded(decider.initial), await this.streams.readToEnd(stream));
  }

  private foldOn<State, Evt extends DomainEvent>(
    decider: Folding<State, Evt>,
    base: Folded<State>,
    recorded: readonly RecordedEvent[],
  ): Folded<State> {
    const last = recorded.at(-1)?.at;
    if (!last) return base;
    for (const { at } of recorded) base.handled.add(at.causationId, at.revision);
    return {
      ...base,
      state: foldRecorded(decider, this.stored.readAll<Evt>(decider.schemas, recorded), base.state),
      revision: last.revision,
      lastId: last.id,
    };
  }
}
