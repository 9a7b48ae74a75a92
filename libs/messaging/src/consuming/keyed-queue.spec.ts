import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { KeyedQueue } from './keyed-queue.js';

describe('the keyed queue', () => {
  it('runs the work of a key in order and one at a time, whatever else is going on', async () => {
    const work = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.nat(3)), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(work, fc.integer({ min: 1, max: 5 }), async (pieces, concurrency) => {
        const queue = new KeyedQueue(concurrency);
        const done: [string, number][] = [];
        const busy = new Set<string>();
        pieces.forEach(([key, turns], index) =>
          queue.add(key, async () => {
            expect(busy.has(key)).toBe(false);
            busy.add(key);
            expect(busy.size).toBeLessThanOrEqual(concurrency);
            for (let turn = 0; turn < turns; turn++) await Promise.resolve();
            busy.delete(key);
            done.push([key, index]);
          }),
        );
        await queue.idle();
        expect(done).toHaveLength(pieces.length);
        for (const key of ['a', 'b', 'c', 'd']) {
          const order = done.filter(([of]) => of === key).map(([, index]) => index);
          expect(order).toEqual([...order].sort((one, other) => one - other));
        }
      }),
    );
  });

  it('forgets what has not begun, and takes new work afterwards', async () => {
    const queue = new KeyedQueue(1);
    const done: string[] = [];
    let release = () => {};
    const blocked = new Promise<void>((resolve) => (release = resolve));
    const note = (name: string) => async () => {
      await Promise.resolve();
      done.push(name);
    };
    queue.add('a', async () => {
      await blocked;
      done.push('begun');
    });
    queue.add('a', note('sibling'));
    queue.add('b', note('other'));
    queue.clear();
    queue.add('a', note('new sibling'));
    queue.add('b', note('new other'));
    release();
    await queue.idle();
    expect(done.sort()).toEqual(['begun', 'new other', 'new sibling']);
  });
});
