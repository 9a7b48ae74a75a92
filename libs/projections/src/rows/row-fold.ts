/**
 * Folds events into rows in memory: what changed since the last write (`takeChanges`), and what could not be folded.
 *
 * A handler that throws gets a few more tries; then the event is parked under its key, and so is every later event of
 * that key, in order, until somebody retries or skips the first. An event whose key cannot be told is parked under its
 * stream, with that stream's later events behind it. All other keys go on.
 */
import { fullJitterMs, pause, type Backoff } from '@annals/core';
import type { RecordedEvent } from '@annals/event-store';
import { UnnamedLookup } from '../errors.js';
import type { AnyReadModel, RowKey, RowsAtHand } from '../read-model.js';
import type { RowCache } from './row-cache.js';
import type { KeyOfRow, Row, RowShape } from './row-shape.js';

/** An event that waits for somebody to mend its handler, or that stands behind such a one. */
export interface ParkedEvent {
  /** `key <id>` or `stream <name>`: what waits together, in order. */
  readonly scope: string;
  readonly recorded: RecordedEvent;
  /** Why; undefined for those that only wait behind another. */
  readonly error: string | undefined;
  /** What was thrown. */
  readonly cause?: unknown;
  readonly attempts: number;
}

export interface Changes {
  readonly upserts: readonly Row[];
  readonly deletions: readonly Row[];
  readonly parked: readonly ParkedEvent[];
}

export interface RetryPolicy {
  /** How often a handler is tried in all before its event is parked. */
  readonly attempts: number;
  readonly backoff: Backoff;
}

export interface FoldOptions {
  readonly model: AnyReadModel;
  readonly shape: RowShape;
  /** Which keys are folded here, of the event at this position. */
  readonly accepts: (id: string, position: bigint) => boolean;
  readonly cache: RowCache;
  /** Scopes with parked events; grows. */
  readonly parkedScopes: Set<string>;
  readonly load: (keys: readonly KeyOfRow[]) => Promise<ReadonlyMap<string, Row>>;
  readonly retry: RetryPolicy;
  readonly onParked?: (parked: ParkedEvent) => void;
}

export const keyScope = (id: string): string => `key ${id}`;
export const streamScope = (stream: string): string => `stream ${stream}`;

/** Something was thrown; an object, because anything can be thrown. */
interface Failure {
  readonly error: unknown;
}

interface Planned {
  readonly recorded: RecordedEvent;
  readonly keys: readonly KeyOfRow[];
  /** Rows that its handler looks at. */
  readonly lookups: readonly KeyOfRow[];
  /** The keys could not be told. */
  readonly failure?: Failure;
}

type Changed = ReadonlyMap<string, { readonly key: KeyOfRow; readonly row: Row | null }>;

export class RowFold {
  private changed = new Map<string, { readonly key: KeyOfRow; readonly row: Row | null }>();
  /** Taken, perhaps not in the table yet: newer than what a query would give. */
  private taken: Changed = new Map();
  /** Rows that the events in hand are about, whatever the cache forgets meanwhile. */
  private batch = new Map<string, Row | null>();
  private parked: ParkedEvent[] = [];
  /** How many events were parked since it was made. */
  parkedTotal = 0;

  constructor(private readonly options: FoldOptions) {}

  /** Rows changed and not taken yet. */
  get size(): number {
    return this.changed.size;
  }

  /** Folds the events that the read model has fold handlers for; the others are none of its business. */
  async fold(events: readonly RecordedEvent[]): Promise<void> {
    const { model } = this.options;
    const planned: Planned[] = [];
    for (const recorded of events)
      if (model.handledBy(recorded.event.type) === 'fold') planned.push(this.plan(recorded));
    if (planned.length === 0) return;
    await this.fetch(planned);
    for (const plan of planned) {
      if (this.parkedBehind(plan.recorded, [])) continue;
      if (plan.failure) await this.retryKeys(plan.recorded, plan.failure);
      else for (const key of plan.keys) await this.foldOrPark(key, plan);
    }
  }

  /**
   * What is to be written now. One write at a time: the changes before must be in the table when these are taken.
   */
  takeChanges(): Changes {
    const upserts: Row[] = [];
    const deletions: Row[] = [];
    for (const { key, row } of this.changed.values()) {
      if (row) upserts.push(row);
      else deletions.push(key.values);
    }
    const changes = { upserts, deletions, parked: this.parked };
    this.taken = this.changed;
    this.changed = new Map();
    this.parked = [];
    return changes;
  }

  /** The table may have been changed behind its back; nothing may be changed and not taken. */
  forget(): void {
    this.taken = new Map();
    this.batch = new Map();
    this.options.cache.forget();
  }

  /** The keys of an event that are folded here. @throws whatever the user's `key` throws, InvalidRow */
  keysOf({ event, at }: RecordedEvent): KeyOfRow[] {
    const { model, shape, accepts } = this.options;
    const keys: KeyOfRow[] = [];
    for (const given of model.keysOf(event, at)) {
      const key = shape.keyOf(given);
      if (accepts(key.id, at.position) && !keys.some(({ id }) => id === key.id)) keys.push(key);
    }
    return keys;
  }

  /** Whether the event has to wait behind parked ones; if so, it is parked now. */
  parkedBehind(recorded: RecordedEvent, keys: readonly KeyOfRow[]): boolean {
    const { parkedScopes } = this.options;
    if (parkedScopes.size === 0) return false;
    const scope = [streamScope(recorded.at.stream), ...keys.map(({ id }) => keyScope(id))].find((each) =>
      parkedScopes.has(each),
    );
    if (scope === undefined) return false;
    this.park(scope, recorded, undefined, 0);
    return true;
  }

  park(scope: string, recorded: RecordedEvent, failure: Failure | undefined, attempts: number): void {
    const parked: ParkedEvent = {
      scope,
      recorded,
      error: failure && describe(failure.error),
      attempts,
      cause: failure?.error,
    };
    this.parked.push(parked);
    this.parkedTotal++;
    this.options.parkedScopes.add(scope);
    if (failure) this.options.onParked?.(parked);
  }

  private plan(recorded: RecordedEvent): Planned {
    const { model, shape } = this.options;
    try {
      const keys = this.keysOf(recorded);
      const lookups = keys.length > 0 ? model.lookupsOf(recorded.event, recorded.at) : [];
      return { recorded, keys, lookups: lookups.map((key) => shape.keyOf(key)) };
    } catch (error) {
      return { recorded, keys: [], lookups: [], failure: { error } };
    }
  }

  /** One query for all rows that the events need and memory does not hold. */
  private async fetch(planned: readonly Planned[]): Promise<void> {
    const { cache, load } = this.options;
    const missing = new Map<string, KeyOfRow>();
    this.batch = new Map();
    const need = (key: KeyOfRow) => {
      if (this.batch.has(key.id)) return;
      const known = this.known(key.id) ?? cache.get(key.id);
      if (known === undefined) missing.set(key.id, key);
      else this.batch.set(key.id, known);
    };
    for (const { keys, lookups } of planned) {
      for (const key of keys) need(key);
      for (const key of lookups) need(key);
    }
    if (missing.size === 0) return;
    const rows = await load([...missing.values()]);
    for (const id of missing.keys()) {
      const row = rows.get(id) ?? null;
      this.batch.set(id, row);
      cache.set(id, row);
    }
  }

  /** Rows that memory alone knows; null: deleted. */
  private known(id: string): Row | null | undefined {
    const entry = this.changed.get(id) ?? this.taken.get(id);
    return entry?.row;
  }

  private async foldOrPark(key: KeyOfRow, plan: Planned): Promise<void> {
    const { recorded } = plan;
    if (this.options.parkedScopes.has(keyScope(key.id))) return this.park(keyScope(key.id), recorded, undefined, 0);
    const failure = this.apply(key, plan);
    if (failure) await this.retry(keyScope(key.id), recorded, failure, () => this.apply(key, plan));
  }

  private apply(key: KeyOfRow, plan: Planned): Failure | undefined {
    const { model, shape, cache } = this.options;
    const { event, at } = plan.recorded;
    try {
      const result = model.fold(this.batch.get(key.id) ?? undefined, event, at, this.atHand(key, plan));
      if (result === undefined) return undefined;
      const row = result === null ? null : shape.normalise(result, key);
      this.changed.set(key.id, { key, row });
      this.batch.set(key.id, row);
      cache.set(key.id, row);
      return undefined;
    } catch (error) {
      return { error };
    }
  }

  private atHand(key: KeyOfRow, { recorded, keys, lookups }: Planned): RowsAtHand<object> {
    const { model, shape } = this.options;
    const isNamed = (id: string) => keys.some((each) => each.id === id) || lookups.some((each) => each.id === id);
    return {
      get key() {
        return shape.valueOf(key);
      },
      row: (wanted: RowKey) => {
        const { id } = shape.keyOf(wanted);
        if (isNamed(id)) return this.batch.get(id) ?? undefined;
        throw new UnnamedLookup(model.name, recorded.event.type, id);
      },
    };
  }

  private async retryKeys(recorded: RecordedEvent, failure: Failure): Promise<void> {
    let plan: Planned = { recorded, keys: [], lookups: [] };
    const tellKeys = () => {
      plan = this.plan(recorded);
      return plan.failure;
    };
    await this.retry(streamScope(recorded.at.stream), recorded, failure, tellKeys);
    if (plan.keys.length === 0) return;
    const { batch } = this;
    await this.fetch([plan]);
    this.batch = new Map([...batch, ...this.batch]);
    for (const key of plan.keys) await this.foldOrPark(key, plan);
  }

  private async retry(
    scope: string,
    recorded: RecordedEvent,
    first: Failure,
    again: () => Failure | undefined,
  ): Promise<void> {
    const { attempts, backoff } = this.options.retry;
    let failure = first;
    for (let attempt = 1; attempt < attempts; attempt++) {
      await pause(fullJitterMs(attempt, backoff));
      const next = again();
      if (!next) return;
      failure = next;
    }
    this.park(scope, recorded, failure, attempts);
  }
}

const describe = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error);
