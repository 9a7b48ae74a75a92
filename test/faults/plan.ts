/** What is ordered and what goes wrong meanwhile: drawn from a seed, so that a run can be repeated. */
import fc from 'fast-check';
import { appNames, type AppName } from '../shop/shop.js';
import { partNames, type PartName } from './faulty-parts.js';

export type Fault =
  | { readonly kind: 'kill'; readonly app: AppName }
  | { readonly kind: 'restart'; readonly part: PartName }
  | { readonly kind: 'cut'; readonly part: PartName }
  | { readonly kind: 'carrier'; readonly failing: number };

export interface PlannedOrder {
  readonly sku: 'plenty' | 'scarce';
  readonly quantity: number;
  readonly card: 'accepted' | 'declined';
  readonly address: 'accepted' | 'refused';
}

export interface Plan {
  readonly orders: readonly PlannedOrder[];
  /** One after the other, with a share of the orders placed before each. */
  readonly faults: readonly Fault[];
  /** By how much the clocks are ahead at the end, when the messages that were held back arrive. */
  readonly hoursLater: number;
}

export interface Extent {
  readonly orders: number;
}

const everyFault: readonly Fault[] = [
  ...appNames.map((app): Fault => ({ kind: 'kill', app })),
  ...partNames.map((part): Fault => ({ kind: 'restart', part })),
  ...partNames.map((part): Fault => ({ kind: 'cut', part })),
  { kind: 'carrier', failing: 0.3 },
];

const seldom = <T>(usual: T, other: T) => fc.oneof({ weight: 9, arbitrary: fc.constant(usual) }, fc.constant(other));

const plannedOrder: fc.Arbitrary<PlannedOrder> = fc.record({
  sku: fc.oneof({ weight: 3, arbitrary: fc.constant('plenty' as const) }, fc.constant('scarce' as const)),
  quantity: fc.integer({ min: 1, max: 3 }),
  card: seldom<PlannedOrder['card']>('accepted', 'declined'),
  address: seldom<PlannedOrder['address']>('accepted', 'refused'),
});

/** Every fault once, in a sequence that depends on the seed. */
export function planFrom(seed: number, { orders }: Extent): Plan {
  const plan = fc.record({
    orders: fc.array(plannedOrder, { minLength: orders, maxLength: orders }),
    faults: fc.shuffledSubarray([...everyFault], { minLength: everyFault.length }),
    hoursLater: fc.integer({ min: 1, max: 12 }),
  });
  const [drawn] = fc.sample(plan, { seed, numRuns: 1 });
  if (!drawn) throw new Error(`No plan came of seed ${seed}`);
  return drawn;
}

export function describeFault(fault: Fault): string {
  switch (fault.kind) {
    case 'kill':
      return `kill -9 of ${fault.app}`;
    case 'restart':
      return `kill -9 of ${fault.part}`;
    case 'cut':
      return `no way to ${fault.part}`;
    case 'carrier':
      return `the carrier fails ${fault.failing * 100} % of requests`;
  }
}
