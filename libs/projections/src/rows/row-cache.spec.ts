import { describe, expect, it } from '@jest/globals';
import { RowCache } from './row-cache.js';

describe('RowCache', () => {
  it('knows all rows of a table that was empty, until it has to forget some', () => {
    const cache = new RowCache(2, true);
    expect(cache.get('a')).toBeNull();
    for (const id of ['a', 'b', 'c', 'd']) cache.set(id, { id });
    expect([cache.get('z'), cache.get('a')]).toEqual([null, { id: 'a' }]);
    for (const id of ['e', 'f', 'g']) cache.set(id, { id });
    expect(cache.get('b')).toBeUndefined();
    expect(cache.get('z')).toBeUndefined();
  });

  it('keeps what is asked for, in at most twice its capacity', () => {
    const cache = new RowCache(10, false);
    cache.set('kept', { id: 'kept' });
    for (let index = 0; index < 1_000; index++) {
      cache.set(`row ${index}`, { index });
      expect(cache.get('kept')).toEqual({ id: 'kept' });
    }
    const held = Array.from({ length: 1_000 }, (_, index) => cache.get(`row ${index}`)).filter(
      (row) => row !== undefined,
    );
    expect(held.length).toBeLessThanOrEqual(20);
    expect(held.length).toBeGreaterThanOrEqual(5);
  });

  it('tells that a row is absent from not knowing it', () => {
    const cache = new RowCache(10, false);
    cache.set('gone', null);
    expect([cache.get('gone'), cache.get('never')]).toEqual([null, undefined]);
    cache.forget();
    expect(cache.get('gone')).toBeUndefined();
  });
});
