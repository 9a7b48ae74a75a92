/**
 * What is known of every stream: where its events stand in the log.
 *
 *   StreamEntry (in memory, a bounded number) -- flush --> IndexStore (LMDB; nothing in memory mode)
 *
 * Every event is listed in its own stream and in the system streams that the standard projections would link it from
 * (see system-streams.ts). An entry keeps the positions of the events since its last full block; older ones are in blocks of
 * the store. Entries that changed since the last flush are dirty and stay in memory; the log from the flush's checkpoint on
 * is read again at the start, so a flush may be late or lost without harm. Never hold an entry over an `await` unless it is pinned.
 */
import type { IndexStore } from './index-store.js';
import { BLOCK, StreamEntry } from './stream-entry.js';

/** Entries looked at when one comes in: more than one, so that the number falls again after it grew. */
const FORGET_STEPS = 4;

export class StreamIndex {
  private readonly entries = new Map<string, StreamEntry>();
  private dirty = new Set<StreamEntry>();
  /** Where the search for entries to forget goes on; a Map's iterator bears changes of the Map. */
  private hand: MapIterator<[string, StreamEntry]> | undefined;

  constructor(
    private readonly store: IndexStore,
    private readonly limit: number,
  ) {}

  /** How many streams are in memory. */
  get cached(): number {
    return this.entries.size;
  }
  get dirtyCount(): number {
    return this.dirty.size;
  }

  get(name: string): StreamEntry | undefined {
    const known = this.entries.get(name);
    if (known) {
      known.used = true;
      return known;
    }
    const stored = this.store.load(name);
    if (stored) this.remember(stored);
    return stored;
  }

  getOrCreate(name: string): StreamEntry {
    const known = this.get(name);
    if (known) return known;
    const entry = new StreamEntry(name);
    this.remember(entry);
    return entry;
  }

  /** Lists the event at `position` as the next of `entry`; does nothing when it is listed already (the log is read again after a crash). */
  add(entry: StreamEntry, position: number): boolean {
    if (position <= entry.lastPosition) return false;
    entry.head += 1;
    if (entry.pendingHead < entry.head) entry.pendingHead = entry.head;
    if (entry.tail.length === 0) entry.tailStart = entry.head;
    entry.tail.push(position);
    this.touch(entry);
    return true;
  }

  touch(entry: StreamEntry): void {
    if (entry.dirty) return;
    entry.dirty = true;
    this.dirty.add(entry);
  }

  /** The position of a revision, -1 when there is no such event. */
  position(entry: StreamEntry, revision: number): number {
    if (revision < 0 || revision > entry.head) return -1;
    if (revision >= entry.tailStart) return entry.tail[revision - entry.tailStart] ?? -1;
    return this.store.block(entry.number, revision - (revision % BLOCK))[revision % BLOCK] ?? -1;
  }

  /** The revision of the first event at or behind `position`; `head + 1` when there is none. */
  revisionAt(entry: StreamEntry, position: number): number {
    let low = 0;
    let high = entry.head + 1;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.position(entry, middle) < position) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Writes all entries that are dirty now; appends go on meanwhile. Resolves when they are on disk. */
  async flush(): Promise<void> {
    const batch = [...this.dirty];
    this.dirty = new Set();
    for (const entry of batch) {
      entry.dirty = false;
      entry.pins++;
    }
    try {
      await this.store.save(batch);
    } catch (error) {
      for (const entry of batch) this.touch(entry);
      throw error;
    } finally {
      for (const entry of batch) entry.pins--;
    }
    this.forget(2 * this.entries.size + 2); // the first round takes the second chances away
  }

  private remember(entry: StreamEntry): void {
    this.entries.set(entry.name, entry);
    if (this.entries.size > this.limit) this.forget(FORGET_STEPS);
  }

  /**
   * Second chance (the "clock"): looks at the next few entries and forgets those that were not used since it last came by. Only a
   * few per entry that comes in: dirty ones must stay, and while a flush is due there may be many of them.
   */
  private forget(steps: number): void {
    if (!this.store.persistent) return;
    for (let step = 0; step < steps && this.entries.size > this.limit; step++) {
      const next = (this.hand ??= this.entries.entries()).next();
      if (next.done) {
        this.hand = undefined;
        continue;
      }
      const [name, entry] = next.value;
      if (entry.dirty || entry.pins > 0) continue;
      if (entry.used) entry.used = false;
      else this.entries.delete(name);
    }
  }
}
