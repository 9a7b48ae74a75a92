/**
 * One instance of a saga on virtual time, without a store: for tests of sagas, which hold what they expect against what
 * came out. Every input is also given to a second, rebuilt pipeline, so that a saga that is not deterministic fails its
 * tests rather than production.
 */
import type { DomainCommand, DomainError, DomainEvent } from '@annals/core';
import { CancelRequested, CommandAccepted, CommandRejected } from './command-outcome.js';
import { durationMs, type Duration } from './duration.js';
import { NotDeterministic, Uncorrelated } from './errors.js';
import { routeOf } from './input-routing.js';
import { PipelineRun, type PipelineInput, type PipelineOutput } from './pipeline-run.js';
import { comparable, mismatchWith } from './replay.js';
import type { SagaDefinition } from './saga-definition.js';
import type { SagaOutcome, StepReport } from './saga-events.js';

export class SagaTrial {
  /** All commands so far, in order. */
  readonly commands: DomainCommand[] = [];
  /** All reports of steps so far, in order. */
  readonly steps: StepReport[] = [];
  /** Undefined: it has not ended. */
  outcome: SagaOutcome | undefined;
  /** What the saga did while nothing was being delivered to it. */
  refused: Error | undefined;
  private now: Date;
  private id: string | undefined;
  private run: PipelineRun;
  private closed = false;
  private readonly deadlines = new Map<number, Date>();
  private readonly rejections = new Map<string, DomainError>();
  private readonly history: { readonly input: PipelineInput; readonly outputs: readonly PipelineOutput[] }[] = [];

  constructor(
    private readonly definition: SagaDefinition,
    start = new Date('2026-01-01T00:00:00.000Z'),
  ) {
    this.now = start;
    this.run = this.fresh();
  }

  /** Due times of the open deadlines, the earliest first. */
  get openDeadlines(): Date[] {
    return [...this.deadlines.values()].sort((a, b) => a.getTime() - b.getTime());
  }

  /** From now on, commands of this type are rejected; all others are accepted. */
  rejects(commandType: string, error: DomainError): void {
    this.rejections.set(commandType, error);
  }

  /**
   * Delivers an event, as domain or integration event; what the saga does not listen to is left out as in production.
   * @throws what the pipeline throws; NotDeterministic; Uncorrelated when it is for another instance than the first
   */
  receive(event: DomainEvent): void {
    const { startedBy } = this.definition;
    const [id] = routeOf([this.definition], event, 'of the test', this.definition.on ? 'integration' : 'event').keys();
    if (id === undefined) return;
    if (this.id === undefined && startedBy && !startedBy.has(event.type)) return;
    this.id ??= id;
    if (id !== this.id)
      throw new Uncorrelated(this.definition.name, event.type, 'of the test', `'${id}' after '${this.id}'`);
    this.deliver({ event: JSON.parse(JSON.stringify(event)) as DomainEvent });
  }

  /** Asks the saga to give up, as an operator does. */
  cancel(reason: string): void {
    this.deliver({ event: new CancelRequested({ reason }) });
  }

  /** Lets time pass, and the deadlines come that it brings. */
  advance(by: Duration): void {
    const until = this.now.getTime() + durationMs(by);
    for (let next = this.nextDeadline(until); next; next = this.nextDeadline(until)) {
      const [number, due] = next;
      this.now = new Date(Math.max(due.getTime(), this.now.getTime()));
      this.deadlines.delete(number);
      this.deliver({ deadline: number });
    }
    this.now = new Date(until);
  }

  private nextDeadline(until: number): [number, Date] | undefined {
    return [...this.deadlines]
      .filter(([, due]) => due.getTime() <= until)
      .sort(([, a], [, b]) => a.getTime() - b.getTime())[0];
  }

  private fresh(): PipelineRun {
    return new PipelineRun(this.definition.pipeline, (error) => (this.refused ??= error));
  }

  private deliver(what: PipelineInput['what']): void {
    if (this.closed) return;
    const input: PipelineInput = { receivedAt: this.now, what };
    const outputs = this.run.deliver(input);
    this.history.push({ input, outputs });
    this.proveDeterministic();
    const issued = outputs.flatMap((output) => (output.kind === 'command' ? [output] : []));
    const first = this.commands.length;
    for (const output of outputs) this.take(output);
    issued.forEach(({ command, outcome }, index) => this.settle(command, first + index, outcome));
  }

  private take(output: PipelineOutput): void {
    switch (output.kind) {
      case 'command':
        this.commands.push(output.command);
        return;
      case 'deadline-set':
        this.deadlines.set(output.number, output.due);
        return;
      case 'deadline-cancelled':
        this.deadlines.delete(output.number);
        return;
      case 'step':
        this.steps.push(output.report);
        return;
      case 'ended':
        this.outcome = output.outcome;
        this.closed = output.closed;
        return;
    }
  }

  private settle({ type, data }: DomainCommand, number: number, tellAcceptance: boolean): void {
    const command = { type, data };
    const rejection = this.rejections.get(type);
    if (rejection) {
      const error = { code: rejection.code, kind: rejection.kind, message: rejection.message };
      this.deliver({ event: new CommandRejected({ number, command, error, tries: 1, certain: true }) });
    } else if (tellAcceptance) this.deliver({ event: new CommandAccepted({ number, command }) });
  }

  private proveDeterministic(): void {
    const rebuilt = this.fresh();
    for (const [number, { input, outputs }] of this.history.entries()) {
      const stored = outputs.map(comparable).filter((output) => output !== undefined);
      const mismatch = mismatchWith(stored, rebuilt.deliver(input));
      const what = 'event' in input.what ? input.what.event.type : 'deadline';
      if (mismatch)
        throw new NotDeterministic('the saga under test', `${number} (${what})`, mismatch.stored, mismatch.replayed);
    }
    this.run.dispose();
    // The rebuilt one goes on, so that what follows depends on nothing that replay would not bring back.
    this.run = rebuilt;
  }
}
