import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { RedeliveryGate } from './redelivery-gate.js';

const seq = (number: number) => ({ seq: number });

describe('the redelivery gate', () => {
  it('gives everything in the order of the stream, however new and repeated messages are mixed', () => {
    const old = fc.uniqueArray(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 10 });
    fc.assert(
      fc.property(old, fc.integer({ min: 1, max: 10 }), fc.func(fc.nat()), (lost, newer, rank) => {
        const fresh = Array.from({ length: newer }, (_, index) => 51 + index);
        // Repeated ones come in any order, new ones in theirs.
        const again = [...lost].sort((one, other) => rank(one) - rank(other));
        const mixed = [...again];
        fresh.forEach((number, index) =>
          mixed.splice(Math.min(rank(number) % (mixed.length + 1), mixed.length), 0, 51 + index),
        );
        const arrivals = mixed.map((number) => (number > 50 ? (fresh.shift() ?? number) : number));

        const gate = new RedeliveryGate<{ seq: number }>(50, lost.length);
        const released = arrivals.flatMap((number) => gate.add(seq(number)));
        expect(released.map((message) => message.seq)).toEqual([...arrivals].sort((one, other) => one - other));
        expect(gate.isOpen).toBe(true);
      }),
    );
  });

  it('lets everything through when nothing was under way', () => {
    const gate = new RedeliveryGate<{ seq: number }>(9, 0);
    expect([3, 10, 7].flatMap((number) => gate.add(seq(number)))).toEqual([3, 10, 7].map(seq));
  });

  it('counts a message once, and one whose effect is done as there', () => {
    const gate = new RedeliveryGate<{ seq: number }>(9, 3);
    expect([8, 8, 12].flatMap((number) => gate.add(seq(number)))).toEqual([]);
    expect(gate.seenAgain(7)).toEqual([]);
    expect(gate.waiting).toHaveLength(2);
    expect(gate.seenAgain(9)).toEqual([8, 12].map(seq));
  });

  it('can be opened when what is missing does not come', () => {
    const gate = new RedeliveryGate<{ seq: number }>(9, 2);
    gate.add(seq(11));
    gate.add(seq(9));
    expect(gate.open()).toEqual([9, 11].map(seq));
    expect(gate.add(seq(12))).toEqual([seq(12)]);
  });
});
