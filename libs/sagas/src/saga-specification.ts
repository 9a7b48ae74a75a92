/**
 * given/when/then for durable sagas, on virtual time:
 *
 *   givenSaga(definition)
 *     .when(new OrderPlaced({ orderId }))
 *     .thenSends(new ReserveStock({ orderId }))
 *     .after('PT30S')
 *     .thenSends(new CancelOrder({ orderId, reason: 'no answer within PT30S' }))
 *     .thenEnds('compensated');
 *
 * A check is about what happened since the check before it. Failures are plain Errors that show both sides, so that it
 * works in any test runner; a saga that is not deterministic fails as well.
 */
import { isDeepStrictEqual } from 'node:util';
import type { AnyCommandClass, DomainCommand, DomainError, DomainEvent } from '@annals/core';
import type { Duration } from './duration.js';
import type { SagaDefinition } from './saga-definition.js';
import type { SagaOutcome } from './saga-events.js';
import { SagaTrial } from './saga-trial.js';

export class SagaSpecification {
  private readonly trial: SagaTrial;
  private checked = 0;

  constructor(definition: SagaDefinition) {
    this.trial = new SagaTrial(definition);
  }

  /** From here on, commands of this class are rejected with `error`; all others are accepted. */
  rejecting(command: AnyCommandClass, error: DomainError): this {
    this.trial.rejects(command.type, error);
    return this;
  }

  when(...events: readonly DomainEvent[]): this {
    for (const event of events) this.trial.receive(event);
    return this;
  }

  /** Lets time pass; deadlines fire when they are due. */
  after(duration: Duration): this {
    this.trial.advance(duration);
    return this;
  }

  whenCancelled(reason: string): this {
    this.trial.cancel(reason);
    return this;
  }

  /** Exactly these commands, in this order; none: it sends nothing. */
  thenSends(...expected: readonly DomainCommand[]): this {
    const sent = this.trial.commands.slice(this.checked);
    this.checked = this.trial.commands.length;
    mustEqual('commands', sent.map(plain), expected.map(plain));
    return this;
  }

  /** It has ended so; undefined: it goes on. */
  thenEnds(expected: SagaOutcome | undefined): this {
    mustEqual('outcome', this.trial.outcome ?? 'none yet', expected ?? 'none yet');
    return this;
  }

  /** It waits for this many deadlines. */
  thenWaitsFor(deadlines: number): this {
    mustEqual('number of open deadlines', this.trial.openDeadlines.length, deadlines);
    return this;
  }
}

export const givenSaga = (definition: SagaDefinition): SagaSpecification => new SagaSpecification(definition);

/** What counts is what would be stored. */
const plain = ({ type, data }: DomainCommand): unknown => JSON.parse(JSON.stringify({ type, data })) as unknown;

function mustEqual(what: string, actual: unknown, expected: unknown): void {
  if (isDeepStrictEqual(actual, expected)) return;
  const show = (value: unknown) => JSON.stringify(value, undefined, 2);
  throw new Error(`The ${what} differ.\nExpected: ${show(expected)}\nReceived: ${show(actual)}`);
}
