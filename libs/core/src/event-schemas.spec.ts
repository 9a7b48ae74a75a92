import { describe, expect, it } from '@jest/globals';
import { decider, Event, EventRegistry, EventSchemas, InvalidEventSchemas, storedAs, UpcastFailed } from './index.js';

interface PlacedV1 {
  orderId: string;
  euros: number;
}
interface PlacedV2 {
  orderId: string;
  cents: number;
}
class Placed extends Event('Placed')<{ orderId: string; cents: number; currency: string }> {}
class Paid extends Event('Paid')<{ orderId: string }> {}

const placedVersions = storedAs<PlacedV1>()
  .upcast<PlacedV2>(({ orderId, euros }) => ({ orderId, cents: euros * 100 }))
  .upcast((data) => ({ ...data, currency: 'EUR' }));

const order = decider<number, never, Placed | Paid>({
  category: 'order',
  initial: 0,
  decide: {},
  evolve: { Placed: (_, { data }) => data.cents, Paid: (cents) => cents },
  upcast: { Placed: placedVersions },
  retired: {
    PlacedAndPaid: storedAs<PlacedV1>().replacedBy(({ orderId, euros }) => [
      new Placed({ orderId, cents: euros * 100, currency: 'EUR' }),
      new Paid({ orderId }),
    ]),
  },
  aliases: { Made: 'Placed' },
});
const { schemas } = order;
const today = { type: 'Placed', data: { orderId: 'o', cents: 300, currency: 'EUR' } };

describe('stored events of earlier versions', () => {
  it.each([
    ['the first version', { type: 'Placed', version: 1, data: { orderId: 'o', euros: 3 } }],
    ['a version between', { type: 'Placed', version: 2, data: { orderId: 'o', cents: 300 } }],
    ['the present version', { type: 'Placed', version: 3, data: today.data }],
    ['an earlier name', { type: 'Made', version: 1, data: { orderId: 'o', euros: 3 } }],
  ])('are read as today: %s', (_, stored) => {
    expect(schemas.read(stored)).toEqual([today]);
  });

  it('are several events of today, where a type was split', () => {
    expect(schemas.read({ type: 'PlacedAndPaid', version: 1, data: { orderId: 'o', euros: 3 } })).toEqual([
      today,
      { type: 'Paid', data: { orderId: 'o' } },
    ]);
  });

  it('go on along their chain when a version was split', () => {
    const split = storedAs<PlacedV1 & { paid: boolean }>()
      .split(({ orderId, euros, paid }) => [
        { data: { orderId, cents: euros * 100 } },
        ...(paid ? [new Paid({ orderId })] : []),
      ])
      .upcast((data) => ({ ...data, currency: 'EUR' }));
    const read = (paid: boolean) =>
      new EventSchemas({ types: ['Placed', 'Paid'], upcast: { Placed: split } })
        .read({ type: 'Placed', version: 1, data: { orderId: 'o', euros: 3, paid } })
        ?.map(({ type }) => type);
    expect(read(true)).toEqual(['Placed', 'Paid']);
    expect(read(false)).toEqual(['Placed']);
  });

  it('have the version that new events are stored in', () => {
    expect(schemas.versionOf('Placed')).toBe(3);
    expect(schemas.versionOf('Paid')).toBe(1);
    expect(schemas.isCurrent('Placed', 3)).toBe(true);
    expect(schemas.isCurrent('Placed', 2)).toBe(false);
    expect(schemas.isCurrent('Made', 3)).toBe(false);
  });

  it('are unknown when nobody has such a type, or it comes from a newer release', () => {
    expect(schemas.read({ type: 'Gone', version: 1, data: {} })).toBeUndefined();
    expect(schemas.read({ type: 'Placed', version: 4, data: {} })).toBeUndefined();
    expect(schemas.read({ type: 'Paid', version: 2, data: {} })).toBeUndefined();
    expect(schemas.read({ type: 'toString', version: 1, data: {} })).toBeUndefined();
  });

  it('name the version whose upcaster fails', () => {
    expect(() => schemas.read({ type: 'PlacedAndPaid', version: 1, data: null })).toThrow(UpcastFailed);
    expect(() => schemas.read({ type: 'PlacedAndPaid', version: 1, data: null })).toThrow(/version 1/);
  });

  it('have one meaning: contradictions are refused', () => {
    const chain = storedAs<unknown>();
    expect(() => new EventSchemas({ types: ['A'], upcast: { B: chain } })).toThrow(InvalidEventSchemas);
    expect(() => new EventSchemas({ types: ['A'], retired: { A: chain.replacedBy(() => []) } })).toThrow(/'upcast'/);
    expect(() => new EventSchemas({ types: ['A'], aliases: { A: 'A' } })).toThrow(/type of its own/);
    expect(() => new EventSchemas({ types: ['A'], aliases: { B: 'C' } })).toThrow(/not known/);
  });

  it('have one owner, also by their earlier names', () => {
    const make = (category: string, aliases: Record<string, string>) =>
      decider({ category, initial: 0, decide: {}, evolve: { [`${category}Made`]: () => 0 }, aliases });
    expect(() => new EventRegistry([make('a', { Old: 'aMade' }), make('b', { Old: 'bMade' })])).toThrow('Old');
    expect(new EventRegistry([order]).schemas.read({ type: 'Made', version: 2, data: { cents: 1 } })).toHaveLength(1);
  });
});

/** These lines are the test: `tsc` refuses the file when one of the mistakes is no longer a mistake. */
export const refusedByTheCompiler = () => [
  decider<number, never, Placed>({
    category: 'order',
    initial: 0,
    decide: {},
    evolve: { Placed: () => 0 },
    // @ts-expect-error the chain ends at version 2, which lacks the currency
    upcast: { Placed: storedAs<PlacedV1>().upcast<PlacedV2>(({ orderId }) => ({ orderId, cents: 0 })) },
  }),
  // @ts-expect-error what is given is version 1
  storedAs<PlacedV1>().upcast((data: PlacedV2) => data),
  decider<number, never, Placed>({
    category: 'order',
    initial: 0,
    decide: {},
    evolve: { Placed: () => 0 },
    // @ts-expect-error Paid is not an event of this decider
    retired: { Old: storedAs<PlacedV1>().replacedBy(({ orderId }) => [new Paid({ orderId })]) },
  }),
];
