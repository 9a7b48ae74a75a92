/**
 * The delivery that is going on. Deliveries are synchronous from beginning to end, so that at most one is going on in
 * a process: a plain variable tells `deadline` and `steps` which instance subscribes them.
 */
import { OutsideOfDelivery } from './errors.js';
import type { StepReport, SagaOutcome } from './saga-events.js';

export interface Delivery {
  /** When the input was received: the only "now" that a saga has. */
  readonly now: Date;
  /** Opens a durable timer. @returns cancels it */
  openDeadline(due: Date, fire: () => void): () => void;
  reportStep(report: StepReport): void;
  /** Says how the instance ended, while its stream may stay open for late events. */
  end(outcome: SagaOutcome): void;
}

let current: Delivery | undefined;

export function duringDelivery<Result>(delivery: Delivery, work: () => Result): Result {
  const outer = current;
  current = delivery;
  try {
    return work();
  } finally {
    current = outer;
  }
}

/** @param what the caller wanted to do, for the error's text @throws OutsideOfDelivery */
export function currentDelivery(what: string): Delivery {
  if (!current) throw new OutsideOfDelivery(what);
  return current;
}

export const isDelivering = (delivery: Delivery): boolean => current === delivery;
