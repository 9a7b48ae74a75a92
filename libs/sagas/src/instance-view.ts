/** An instance as people see it: where it stands, and how it came there. Folded from its stream's events. */
import type { EventContext } from '@annals/event-store';
import type { SagaFact, SagaOutcome, StoredError } from './saga-events.js';

export type InstanceState = 'running' | 'compensating' | 'failing' | 'stuck' | SagaOutcome;

export interface InstanceSummary {
  readonly saga: string;
  readonly id: string;
  readonly version: number;
  readonly state: InstanceState;
  /** Where an orchestrated saga stands. */
  readonly step: string | undefined;
  readonly started: Date;
  readonly updated: Date;
  readonly ended: Date | undefined;
  /** The next deadline. */
  readonly deadline: Date | undefined;
  /** How often the pipeline has failed on the present input, or the present step was tried. */
  readonly tries: number;
  readonly lastError: StoredError | undefined;
  readonly correlationId: string;
  /** Revision of the last event folded. */
  readonly revision: number;
}

/** What a summary is folded with: more than anybody wants to see, as plain JSON. */
export interface InstanceRow {
  readonly summary: InstanceSummary;
  /** Due times (ISO 8601) of the open deadlines by their numbers. */
  readonly deadlines: Readonly<Record<string, string>>;
  /** The state to go back to when the instance no longer fails. */
  readonly healthy: Exclude<InstanceState, 'failing' | 'stuck'>;
}

/** The row after one more event of the instance's stream; an event that it has already is left out. */
export function foldInstance(row: InstanceRow | undefined, fact: SagaFact, at: EventContext): InstanceRow {
  const before = row ?? firstRow(fact, at);
  if (row && at.revision <= row.summary.revision) return row;
  const after = evolve(before, fact, at);
  const due = Object.values(after.deadlines).sort()[0];
  const deadline = due === undefined ? undefined : new Date(due);
  return { ...after, summary: { ...after.summary, deadline, updated: at.created, revision: at.revision } };
}

const firstRow = ({ data }: SagaFact, at: EventContext): InstanceRow => ({
  summary: {
    saga: data.saga,
    id: data.id,
    version: 1,
    state: 'running',
    step: undefined,
    started: at.created,
    updated: at.created,
    ended: undefined,
    deadline: undefined,
    tries: 0,
    lastError: undefined,
    correlationId: at.correlationId,
    revision: at.revision,
  },
  deadlines: {},
  healthy: 'running',
});

function evolve(row: InstanceRow, fact: SagaFact, at: EventContext): InstanceRow {
  const change = (summary: Partial<InstanceSummary>, more: Partial<InstanceRow> = {}): InstanceRow => ({
    ...row,
    ...more,
    summary: { ...row.summary, ...summary },
  });
  switch (fact.type) {
    case 'SagaStarted':
      return change({ version: fact.data.version });
    case 'SagaInputReceived':
      return fact.data.source === 'deadline'
        ? withoutDeadline(row, (fact.data.input.data as { number: number }).number)
        : row;
    case 'SagaCommandIssued':
      return row;
    case 'SagaDeadlineSet':
      return { ...row, deadlines: { ...row.deadlines, [fact.data.number]: fact.data.due } };
    case 'SagaDeadlineCancelled':
      return withoutDeadline(row, fact.data.number);
    case 'SagaStepReported':
      return onStep(row, fact.data, change);
    case 'SagaEnded': {
      const { outcome } = fact.data;
      return change({ state: outcome, ended: at.created }, { healthy: outcome });
    }
    case 'SagaFailed': {
      const { error, tries, retryAt } = fact.data;
      return change({ state: retryAt === null ? 'stuck' : 'failing', tries, lastError: error });
    }
    case 'SagaResumed':
      return change({ state: row.healthy, tries: 0 });
  }
}

function onStep(
  row: InstanceRow,
  { step, status, reason, attempt }: Extract<SagaFact, { type: 'SagaStepReported' }>['data'],
  change: (summary: Partial<InstanceSummary>, more?: Partial<InstanceRow>) => InstanceRow,
): InstanceRow {
  const ended = row.summary.ended !== undefined;
  const failed = status === 'failed' || status === 'undo-failed';
  const lastError = failed
    ? { name: 'StepFailed', code: 'SAGA_STEP_FAILED', message: `${step}: ${reason ?? ''}` }
    : row.summary.lastError;
  if (status === 'undoing' && !ended)
    return change({ step, state: 'compensating', tries: 1 }, { healthy: 'compensating' });
  return change({ step, lastError, ...(attempt !== undefined && { tries: attempt }) });
}

function withoutDeadline(row: InstanceRow, number: number): InstanceRow {
  const { [number]: _removed, ...deadlines } = row.deadlines;
  return { ...row, deadlines };
}

/** A line of an instance's timeline. */
export interface TimelineEntry {
  readonly at: Date;
  readonly kind: 'input' | 'command' | 'outcome' | 'wait' | 'step' | 'failure' | 'end';
  readonly text: string;
  readonly data?: unknown;
}

/** The timeline's line for an event; none for what says nothing that another line does not say. */
export function timelineEntry(fact: SagaFact, at: EventContext): TimelineEntry | undefined {
  const entry = (kind: TimelineEntry['kind'], text: string, data?: unknown): TimelineEntry => ({
    at: at.created,
    kind,
    text,
    ...(data !== undefined && { data }),
  });
  switch (fact.type) {
    case 'SagaStarted':
      return undefined;
    case 'SagaInputReceived': {
      const { source, input } = fact.data;
      if (source === 'deadline') return entry('wait', `deadline ${(input.data as { number: number }).number} fired`);
      return entry(source === 'outcome' ? 'outcome' : 'input', input.type, input.data);
    }
    case 'SagaCommandIssued':
      return entry('command', fact.data.command.type, fact.data.command.data);
    case 'SagaDeadlineSet':
      return entry('wait', `deadline ${fact.data.number} set for ${fact.data.due}`);
    case 'SagaDeadlineCancelled':
      return entry('wait', `deadline ${fact.data.number} cancelled`);
    case 'SagaStepReported': {
      const { step, status, reason, attempt } = fact.data;
      const details = [attempt !== undefined && attempt > 1 && `try ${attempt}`, reason].filter(Boolean).join(', ');
      return entry('step', `${step}: ${status}${details && ` (${details})`}`);
    }
    case 'SagaFailed': {
      const { error, tries, retryAt } = fact.data;
      return entry('failure', `${error.message} (try ${tries}, ${retryAt === null ? 'stuck' : `again at ${retryAt}`})`);
    }
    case 'SagaResumed':
      return entry('failure', 'resumed');
    case 'SagaEnded':
      return entry('end', fact.data.outcome);
  }
}
