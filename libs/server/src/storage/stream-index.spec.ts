import { describe, expect, it } from '@jest/globals';
import type { IndexStore } from './index-store.js';
import { PendingIds } from './pending-ids.js';
import { StreamEntry } from './stream-entry.js';
import { StreamIndex } from './stream-index.js';

/** Keeps heads as a store does, and counts how often it is asked. */
class Shelf implements IndexStore {
  readonly persistent = true;
  readonly heads = new Map<string, number[]>();
  loads = 0;

  load(name: string): StreamEntry | undefined {
    this.loads++;
    const tail = this.heads.get(name);
    if (!tail) return undefined;
    const entry = new StreamEntry(name);
    entry.tail = [...tail];
    entry.head = entry.pendingHead = tail.length - 1;
    return entry;
  }
  block(): readonly number[] {
    return [];
  }
  save(entries: readonly StreamEntry[]): Promise<void> {
    for (const { name, tail } of entries) this.heads.set(name, [...tail]);
    return Promise.resolve();
  }
}

const LIMIT = 100;

describe('the index of streams', () => {
  it('keeps few streams in memory and finds the others in the store', async () => {
    const index = new StreamIndex(new Shelf(), LIMIT);
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 1000; i++) index.add(index.getOrCreate(`s-${i}`), 1 + round * 1000 + i);
      await index.flush();
      expect(index.cached).toBeLessThanOrEqual(LIMIT);
      expect(index.dirtyCount).toBe(0);
    }
    for (let i = 0; i < 1000; i++) expect(index.get(`s-${i}`)?.head).toBe(2);
  });

  it('forgets none that changed or that an append in flight holds', async () => {
    const shelf = new Shelf();
    const index = new StreamIndex(shelf, LIMIT);
    const held = index.getOrCreate('held');
    index.add(held, 1);
    await index.flush();
    held.pins++;
    const changed = index.getOrCreate('changed');
    index.add(changed, 2);
    for (let i = 0; i < 10 * LIMIT; i++) index.getOrCreate(`s-${i}`);
    expect(index.cached).toBeLessThanOrEqual(LIMIT);
    expect(index.get('held')).toBe(held);
    expect(index.get('changed')).toBe(changed);
  });

  it('keeps those that are used again and again', async () => {
    const shelf = new Shelf();
    const index = new StreamIndex(shelf, LIMIT);
    for (let i = 0; i < 10 * LIMIT; i++) index.add(index.getOrCreate(`s-${i}`), 1 + i);
    await index.flush();
    index.get('s-0');
    shelf.loads = 0;
    for (let i = 1; i < 10 * LIMIT; i++) {
      index.get('s-0');
      index.get(`s-${i}`);
    }
    expect(shelf.loads).toBeLessThanOrEqual(10 * LIMIT);
    expect(index.get('s-0')?.head).toBe(0);
  });
});

describe('ids of staged events', () => {
  it('are told apart by their streams, and the first of a stream stays', () => {
    const ids = new PendingIds();
    ids.add('a', 'one', 3);
    ids.add('a', 'two', 7);
    ids.add('a', 'one', 4);
    expect(ids.get('a', 'one')?.revision).toBe(3);
    expect(ids.get('a', 'two')?.revision).toBe(7);
    expect(ids.get('a', 'three')).toBeUndefined();
    ids.delete('a', 'one');
    ids.delete('a', 'three');
    expect(ids.get('a', 'one')).toBeUndefined();
    expect(ids.get('a', 'two')?.revision).toBe(7);
    ids.delete('a', 'two');
    expect(ids.get('a', 'two')).toBeUndefined();
  });
});
