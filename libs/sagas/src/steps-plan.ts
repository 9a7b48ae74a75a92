/** The table of an orchestrated saga as its run follows it; the types of the events are forgotten here. */
import type { DomainCommand, DomainEvent } from '@annals/core';
import type { Duration } from './duration.js';

/** Why a saga is being compensated. */
export interface StepFailure {
  /** Name of the step that failed; `completed` when it was the closing command. */
  readonly step: string;
  /** The failing event's type, the rejection's code and text, or the deadline. */
  readonly reason: string;
  /** The event that failed the step, where there is one. */
  readonly event?: DomainEvent;
}

/** How long to wait before a command is sent again, in ms. */
export interface Waits {
  readonly firstMs: number;
  readonly maxMs: number;
}

export interface PlannedStep {
  readonly name: string;
  readonly send: (start: never, done: never) => DomainCommand;
  readonly done: string;
  readonly failed: readonly string[];
  readonly undo: ((start: never, done: never) => DomainCommand) | undefined;
  readonly within: ((start: never, done: never) => Duration) | undefined;
  readonly tries: number;
  readonly waits: Waits;
  readonly pointOfNoReturn: boolean;
}

export interface Plan {
  readonly start: string;
  readonly steps: readonly PlannedStep[];
  readonly completed: ((start: never, done: never) => DomainCommand) | undefined;
  readonly compensated: ((start: never, failure: StepFailure, done: never) => DomainCommand) | undefined;
}

export const defaultWaits: Waits = { firstMs: 2_000, maxMs: 60_000 };
