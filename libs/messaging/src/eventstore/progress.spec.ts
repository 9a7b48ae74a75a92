import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Progress } from './progress.js';

describe('the progress of an inlet', () => {
  it('is never beyond a message that is not done, and is always a position of the store', () => {
    const positions = fc.uniqueArray(fc.bigInt({ min: 1n, max: 500n }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(positions, fc.func(fc.nat()), (all, rank) => {
        const begun = [...all].sort((one, other) => (one < other ? -1 : 1));
        const finishing = [...all].sort((one, other) => rank(one) - rank(other));
        const progress = new Progress(-1n);
        for (const position of begun) progress.begin(position);
        const open = new Set(begun);
        for (const position of finishing) {
          progress.done(position);
          open.delete(position);
          const [oldest] = open;
          if (oldest !== undefined) expect(progress.floor < oldest).toBe(true);
          expect(progress.floor === -1n || all.includes(progress.floor)).toBe(true);
          expect(progress.inHand).toBe(open.size);
        }
        expect(progress.floor).toBe(begun.at(-1));
      }),
    );
  });

  it('follows the feed past events that are not for the inlet, behind what is in hand', () => {
    const progress = new Progress(5n);
    progress.passed(9n);
    expect(progress.floor).toBe(9n);
    progress.begin(12n);
    progress.passed(20n);
    expect(progress.floor).toBe(9n);
    progress.done(12n);
    expect(progress.floor).toBe(20n);
    progress.passed(14n);
    expect(progress.floor).toBe(20n);
  });
});
