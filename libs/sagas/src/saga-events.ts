/**
 * What is stored in `saga-<name>-<id>`. One append per input, all or nothing:
 *
 *   SagaStarted? SagaInputReceived (SagaCommandIssued | SagaDeadlineSet | SagaDeadlineCancelled | SagaStepReported)* SagaEnded?
 *
 * A pipeline that throws leaves `SagaInputReceived SagaFailed`; inputs that come while it is failing are stored alone,
 * and `SagaResumed` is followed by what all of them led to. Every output names the input that it belongs to.
 */
import { Event } from '@annals/core';

/** Which instance an event is of; repeated in each, so that one event alone can be told apart and indexed. */
interface Instance {
  readonly saga: string;
  readonly id: string;
}

interface Output extends Instance {
  /** Number of the input that led to this, from 0. */
  readonly input: number;
}

export type InputSource = 'event' | 'integration' | 'outcome' | 'deadline' | 'cancel';

/** How an instance ends. `cancelled`: by an operator, without compensation. */
export type SagaOutcome = 'completed' | 'compensated' | 'compensated-with-failures' | 'cancelled';

export interface StepReport {
  readonly step: string;
  readonly status: 'sent' | 'done' | 'failed' | 'undoing' | 'undone' | 'undo-failed';
  readonly reason?: string;
  /** The how manieth try, from 1. */
  readonly attempt?: number;
}

export interface StoredError {
  readonly name: string;
  readonly code: string;
  readonly message: string;
}

export class SagaStarted extends Event('SagaStarted')<Instance & { version: number }> {}

export class SagaInputReceived extends Event('SagaInputReceived')<
  Instance & {
    number: number;
    source: InputSource;
    /** `id` is the message's: what makes a repeated delivery recognisable. */
    input: { id: string; type: string; data: unknown };
    /** ISO 8601; the "now" of this delivery. */
    receivedAt: string;
  }
> {}

export class SagaCommandIssued extends Event('SagaCommandIssued')<
  Output & {
    /** Number among all commands of the instance, from 0. */
    number: number;
    commandId: string;
    command: { type: string; data: unknown };
    /** The saga wants to hear of its acceptance too. */
    outcome: boolean;
  }
> {}

export class SagaDeadlineSet extends Event('SagaDeadlineSet')<Output & { number: number; due: string }> {}

export class SagaDeadlineCancelled extends Event('SagaDeadlineCancelled')<Output & { number: number }> {}

export class SagaStepReported extends Event('SagaStepReported')<Output & StepReport> {}

/** `closed`: nothing that comes later concerns the instance any more. */
export class SagaEnded extends Event('SagaEnded')<Output & { outcome: SagaOutcome; closed: boolean }> {}

/** The pipeline failed on an input; without `retryAt` (ISO 8601) the instance is stuck until somebody retries it. */
export class SagaFailed extends Event('SagaFailed')<
  Output & { error: StoredError; tries: number; retryAt: string | null }
> {}

/** Inputs up to `through` (inclusive) have gone through the pipeline since it failed. */
export class SagaResumed extends Event('SagaResumed')<Instance & { through: number }> {}

export type SagaFact =
  | SagaStarted
  | SagaInputReceived
  | SagaCommandIssued
  | SagaDeadlineSet
  | SagaDeadlineCancelled
  | SagaStepReported
  | SagaEnded
  | SagaFailed
  | SagaResumed;

const factTypes: ReadonlySet<string> = new Set<SagaFact['type']>([
  'SagaStarted',
  'SagaInputReceived',
  'SagaCommandIssued',
  'SagaDeadlineSet',
  'SagaDeadlineCancelled',
  'SagaStepReported',
  'SagaEnded',
  'SagaFailed',
  'SagaResumed',
]);

/** Whether an event that was read is one of this package's. */
export const isSagaFact = (event: { readonly type: string }): event is SagaFact => factTypes.has(event.type);

/** The stream of an instance. */
export const sagaStream = (saga: string, id: string): string => `saga-${saga}-${id}`;

/** What the names of all streams of a saga begin with. */
export const sagaPrefix = (saga: string): string => `saga-${saga}-`;
