import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Bulkhead } from './bulkhead.js';
import { BulkheadFull } from './errors.js';

describe('a bulkhead', () => {
  it('lets so many in, so many wait, and refuses the next at once', async () => {
    const bulkhead = new Bulkhead('inventory', { limit: 2, queue: 1 });
    await bulkhead.enter();
    await bulkhead.enter();
    const third = bulkhead.enter();
    await expect(bulkhead.enter()).rejects.toMatchObject({ code: 'BULKHEAD_FULL', limit: 2, queue: 1 });
    expect([bulkhead.running, bulkhead.queued]).toEqual([2, 1]);
    bulkhead.leave();
    await third;
    expect([bulkhead.running, bulkhead.queued]).toEqual([2, 0]);
  });

  it('is left by who gives up waiting, and goes on with the next', async () => {
    const bulkhead = new Bulkhead('inventory', { limit: 1, queue: 2 });
    await bulkhead.enter();
    const impatient = new AbortController();
    const givenUp = bulkhead.enter(impatient.signal);
    const patient = bulkhead.enter();
    impatient.abort(new Error('gone'));
    await expect(givenUp).rejects.toThrow('gone');
    expect(bulkhead.queued).toBe(1);
    bulkhead.leave();
    await patient;
  });

  it('is left by whose time is over, too', async () => {
    const bulkhead = new Bulkhead('inventory', { limit: 1, queue: 1 });
    await bulkhead.enter();
    await expect(bulkhead.enter(undefined, 5)).rejects.toBeInstanceOf(BulkheadFull);
    expect(bulkhead.queued).toBe(0);
  });

  it('does not let in who has given up already', async () => {
    const bulkhead = new Bulkhead('inventory', { limit: 1, queue: 1 });
    await expect(bulkhead.enter(AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone');
    expect(bulkhead.running).toBe(0);
  });

  it('never holds more than its limit, serves in order, and loses no place, whatever happens', async () => {
    const action = fc.constantFrom('enter' as const, 'leave' as const, 'give up' as const);
    const sizes = fc.record({ limit: fc.integer({ min: 1, max: 3 }), queue: fc.integer({ min: 0, max: 3 }) });
    await fc.assert(
      fc.asyncProperty(sizes, fc.array(action, { maxLength: 60 }), async (size, actions) => {
        const bulkhead = new Bulkhead('inventory', size);
        const waiting: { readonly id: number; readonly giveUp: () => void }[] = [];
        const served: number[] = [];
        let [inside, refused, id] = [0, 0, 0];
        for (const each of actions) {
          if (each === 'enter') {
            const me = id++;
            const controller = new AbortController();
            const free = inside < size.limit;
            const room = waiting.length < size.queue;
            const entered = bulkhead.enter(controller.signal);
            entered.then(
              () => served.push(me),
              (error: unknown) => (refused += error instanceof BulkheadFull ? 1 : 0),
            );
            if (free) inside++;
            else if (room) waiting.push({ id: me, giveUp: () => controller.abort() });
            const before = refused;
            await Promise.resolve();
            await Promise.resolve();
            if (!free && !room) expect(refused).toBe(before + 1);
          } else if (each === 'leave' && inside > 0) {
            bulkhead.leave();
            const next = waiting.shift();
            if (!next) inside--;
            await Promise.resolve();
            if (next) expect(served.at(-1)).toBe(next.id);
          } else if (each === 'give up') waiting.pop()?.giveUp();
          expect([bulkhead.running, bulkhead.queued]).toEqual([inside, waiting.length]);
        }
      }),
    );
  });
});
