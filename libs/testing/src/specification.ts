/** given/when/then for deciders: pure, immediate, and readable by people who do not program. */
import { isDeepStrictEqual } from 'node:util';
import { fold, type Decider, type DomainCommand, type DomainEvent } from '@annals/core';

type ErrorClass = abstract new (...args: never[]) => Error;

export interface Then<State, Evt extends DomainEvent> {
  /** The command leads to exactly these events, in this order; none: it changes nothing. */
  then(...expected: readonly Evt[]): void;
  /** The command is rejected with this kind of error. */
  thenRejects(expected: ErrorClass): void;
  /** After the command the aggregate is in this state. */
  thenState(expected: State): void;
}

export interface When<State, Cmd extends DomainCommand, Evt extends DomainEvent> {
  when(command: Cmd): Then<State, Evt>;
  /** Folding the given events leads to this state. */
  thenState(expected: State): void;
}

/**
 * `const given = specification(order); given(placed, shipped).when(cancel).thenRejects(OrderAlreadyShipped)`
 * Failures are thrown as AssertionErrors-like Errors that show both sides, so that it works in any test runner.
 */
export const specification =
  <State, Cmd extends DomainCommand, Evt extends DomainEvent>(decider: Decider<State, Cmd, Evt>) =>
  (...given: readonly Evt[]): When<State, Cmd, Evt> => {
    const before = fold(decider, given);
    return {
      thenState: (expected) => mustEqual('state', before, expected),
      when: (command) => ({
        then: (...expected) => mustEqual('events', decider.decide(before, command), expected),
        thenState: (expected) => mustEqual('state', fold(decider, decider.decide(before, command), before), expected),
        thenRejects: (expected) => mustReject(() => decider.decide(before, command), expected),
      }),
    };
  };

/** Class instances and plain data are the same event; what counts is what would be stored. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value)) as unknown;

function mustEqual(what: string, actual: unknown, expected: unknown): void {
  if (isDeepStrictEqual(plain(actual), plain(expected))) return;
  throw new Error(`The ${what} differ.\nExpected: ${show(expected)}\nReceived: ${show(actual)}`);
}

function mustReject(decide: () => readonly DomainEvent[], expected: ErrorClass): void {
  let events: readonly DomainEvent[];
  try {
    events = decide();
  } catch (error) {
    if (error instanceof expected) return;
    throw new Error(`Expected a rejection with ${expected.name}, but ${String(error)} was thrown.`, { cause: error });
  }
  throw new Error(`Expected a rejection with ${expected.name}, but the command led to: ${show(events)}`);
}

const show = (value: unknown): string => JSON.stringify(value, undefined, 2);
