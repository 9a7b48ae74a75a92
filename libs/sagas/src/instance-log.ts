/**
 * What an instance's stream says, folded: its inputs in order, what each led to, and how far they have gone through the
 * pipeline. The inputs and the outputs are all that is needed to rebuild the pipeline and to prove that it is the same.
 */
import type { RecordedEvent } from '@annals/event-store';
import { noEvents } from '@annals/event-store';
import type { SagaCommandIssued, SagaFact, SagaInputReceived, SagaOutcome } from './saga-events.js';

/** An output as it is compared on replay; reports of steps are commentary and not compared. */
export type ComparableOutput =
  | { readonly kind: 'command'; readonly type: string; readonly data: unknown }
  | { readonly kind: 'deadline-set'; readonly number: number; readonly due: string }
  | { readonly kind: 'deadline-cancelled'; readonly number: number }
  | { readonly kind: 'ended'; readonly outcome: SagaOutcome };

export type StoredInput = SagaInputReceived['data'];

export interface Failing {
  /** Number of the input that the pipeline failed on. */
  readonly input: number;
  readonly tries: number;
  /** Undefined: stuck until somebody retries it. */
  readonly retryAt: string | undefined;
}

/** Who and in which conversation; the first input decides it for the whole instance. */
export interface Conversation {
  readonly correlationId: string;
  readonly actor?: string | undefined;
  readonly traceparent?: string | undefined;
}

export class InstanceLog {
  revision = noEvents;
  version: number | undefined;
  conversation: Conversation | undefined;
  /** How many of the inputs have gone through the pipeline. */
  processed = 0;
  commands = 0;
  failing: Failing | undefined;
  ended: { readonly outcome: SagaOutcome; readonly closed: boolean } | undefined;
  readonly inputs: StoredInput[] = [];
  readonly openDeadlines = new Set<number>();
  private readonly seen = new Set<string>();
  private readonly outputs = new Map<number, ComparableOutput[]>();
  private readonly rejected = new Set<number>();

  static of(events: Iterable<RecordedEvent>): InstanceLog {
    const log = new InstanceLog();
    for (const { event, at } of events) {
      log.conversation ??= {
        correlationId: at.correlationId,
        actor: at.actor,
        traceparent: at.traceparent,
      };
      log.revision = at.revision;
      log.apply(event as SagaFact);
    }
    return log;
  }

  get started(): boolean {
    return this.revision !== noEvents;
  }

  hasSeen(inputId: string): boolean {
    return this.seen.has(inputId);
  }

  /** Whether the saga was told that its command of this number is rejected: it must not be carried out any more. */
  wasRejected(command: number): boolean {
    return this.rejected.has(command);
  }

  outputsOf(input: number): readonly ComparableOutput[] {
    return this.outputs.get(input) ?? [];
  }

  apply(fact: SagaFact): void {
    switch (fact.type) {
      case 'SagaStarted':
        this.version = fact.data.version;
        return;
      case 'SagaInputReceived':
        return this.receive(fact.data);
      case 'SagaCommandIssued':
        return this.issue(fact.data);
      case 'SagaDeadlineSet':
        this.openDeadlines.add(fact.data.number);
        return this.output(fact.data.input, { kind: 'deadline-set', number: fact.data.number, due: fact.data.due });
      case 'SagaDeadlineCancelled':
        this.openDeadlines.delete(fact.data.number);
        return this.output(fact.data.input, { kind: 'deadline-cancelled', number: fact.data.number });
      case 'SagaStepReported':
        return;
      case 'SagaEnded':
        this.ended = { outcome: fact.data.outcome, closed: fact.data.closed };
        return this.output(fact.data.input, { kind: 'ended', outcome: fact.data.outcome });
      case 'SagaFailed':
        this.failing = {
          input: fact.data.input,
          tries: fact.data.tries,
          retryAt: fact.data.retryAt ?? undefined,
        };
        this.processed = fact.data.input;
        return;
      case 'SagaResumed':
        this.failing = undefined;
        this.processed = fact.data.through + 1;
        return;
    }
  }

  private receive(input: StoredInput): void {
    this.inputs.push(input);
    this.seen.add(input.input.id);
    if (!this.failing) this.processed = this.inputs.length;
    if (input.source === 'deadline') this.openDeadlines.delete((input.input.data as { number: number }).number);
    if (input.source === 'outcome' && input.input.type === 'CommandRejected')
      this.rejected.add((input.input.data as { number: number }).number);
  }

  private issue({ input, command, number }: SagaCommandIssued['data']): void {
    this.commands = number + 1;
    this.output(input, { kind: 'command', type: command.type, data: command.data });
  }

  private output(input: number, output: ComparableOutput): void {
    const outputs = this.outputs.get(input);
    if (outputs) outputs.push(output);
    else this.outputs.set(input, [output]);
  }
}
