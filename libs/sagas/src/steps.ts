/**
 * `steps`: an orchestrated saga as a table. Each step sends a command and waits for the event that completes it; when
 * one fails, those that are done are undone in reverse order (G9).
 */
import type { DomainCommand, DomainEvent } from '@annals/core';
import { Observable } from 'rxjs';
import { durationMs, type Duration } from './duration.js';
import { InvalidSaga } from './errors.js';
import type { MessageClass } from './message-class.js';
import { defaultWaits, type Plan, type PlannedStep, type StepFailure } from './steps-plan.js';
import { StepsRun } from './steps-run.js';

/** Sends a step's command again, as a new command, before the step counts as failed. Waits grow twofold. */
export interface StepRetry {
  /** How often the command is sent at most. */
  readonly tries: number;
  /** Wait before the second try; default PT2S. */
  readonly first?: Duration;
  /** Longest wait; default PT1M. */
  readonly max?: Duration;
}

export interface Step<Start, Done, Own, Completing = unknown> {
  /** @param done the events that completed the steps before, by the steps' names */
  readonly send: (start: Start, done: Done) => DomainCommand;
  /** The event that completes the step. */
  readonly done: MessageClass<Completing>;
  /** The events that fail it. A rejected command fails it too. */
  readonly failed?: MessageClass | readonly MessageClass[];
  /** The compensating command; without it there is nothing to undo. `done` holds this step's event as well. */
  readonly undo?: (start: Start, done: Own) => DomainCommand;
  /**
   * How long the step may take from when its command was issued; a success that arrives later is undone. Default: for
   * ever. What can be set from outside belongs into an event: an instance keeps the deadlines that it began with.
   */
  readonly within?: Duration | ((start: Start, done: Done) => Duration);
  readonly retry?: StepRetry;
  /**
   * Once this step is done the saga runs to its end: later steps that fail are tried again, not undone. (The pivot
   * transaction of Chris Richardson's "Microservices Patterns", chapter 4.)
   */
  readonly pointOfNoReturn?: boolean;
}

// Property names of `Done` are the steps' names; it starts as an object without any.
type Nothing = Record<never, never>;

/** A table of steps of any types, as the engine sees it. */
export type OrchestratedSaga = Pick<Steps, 'listensTo' | 'startedBy' | 'pipeline'>;

/** @throws InvalidDuration, InvalidSaga for a table that cannot work */
export class Steps<Start = never, Done = never> {
  constructor(private readonly plan: Plan) {}

  step<const Name extends string, Completing extends DomainEvent>(
    name: Name,
    step: Step<Start, Done, Done & Readonly<Record<Name, Completing>>, Completing>,
  ): Steps<Start, Done & Readonly<Record<Name, Completing>>> {
    if (this.plan.steps.some((other) => other.name === name))
      throw new InvalidSaga(name, 'two steps have this name. Their names tell them apart in the history: rename one.');
    return new Steps({ ...this.plan, steps: [...this.plan.steps, planned(name, step)] });
  }

  /** The command that closes a saga whose steps are all done; when it is rejected the saga is compensated. */
  completed(command: (start: Start, done: Done) => DomainCommand): Steps<Start, Done> {
    return new Steps({ ...this.plan, completed: command });
  }

  /** The command that closes a saga whose done steps have been undone. */
  compensated(command: (start: Start, failure: StepFailure, done: Partial<Done>) => DomainCommand): Steps<Start, Done> {
    return new Steps({ ...this.plan, compensated: command });
  }

  /** Types of all events that the saga is interested in. */
  get listensTo(): string[] {
    return [...new Set([this.plan.start, ...this.plan.steps.flatMap(({ done, failed }) => [done, ...failed])])];
  }

  get startedBy(): string {
    return this.plan.start;
  }

  /** The saga stream that the table compiles to. */
  readonly pipeline = (events$: Observable<DomainEvent>): Observable<DomainCommand> =>
    new Observable<DomainCommand>((commands) => {
      const run = new StepsRun(this.plan, commands);
      const subscription = events$.subscribe((event) => run.handle(event));
      return () => {
        run.stop();
        subscription.unsubscribe();
      };
    });
}

/** Begins a table of steps with the event that starts the saga. */
export const steps = <Start extends DomainEvent>(start: MessageClass<Start>): Steps<Start, Nothing> =>
  new Steps<Start, Nothing>({ start: start.type, steps: [], completed: undefined, compensated: undefined });

function planned<Start, Done, Own, Completing>(name: string, step: Step<Start, Done, Own, Completing>): PlannedStep {
  const { failed = [], retry, within } = step;
  if (typeof within === 'string') durationMs(within);
  if (retry && !(Number.isSafeInteger(retry.tries) && retry.tries >= 1))
    throw new InvalidSaga(name, "'retry.tries' of this step is not a whole number from 1.");
  return {
    name,
    send: step.send,
    done: step.done.type,
    failed: (Array.isArray(failed) ? (failed as readonly MessageClass[]) : [failed as MessageClass]).map(
      ({ type }) => type,
    ),
    undo: step.undo,
    within: typeof within === 'string' ? () => within : within,
    tries: retry?.tries ?? 1,
    waits: {
      firstMs: retry?.first ? durationMs(retry.first) : defaultWaits.firstMs,
      maxMs: retry?.max ? durationMs(retry.max) : defaultWaits.maxMs,
    },
    pointOfNoReturn: step.pointOfNoReturn === true,
  };
}
