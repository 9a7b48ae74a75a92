/**
 * The state machine that a table of steps compiles to; one per instance, alive as long as its saga stream.
 *
 *        start event
 *   new ────────────▶ running ──last step done──▶ completing ──accepted──▶ ended (completed)
 *                     │    ▲                          │
 *     failed, rejected│    │wait over                 │ rejected
 *     or deadline     ▼    │                          │
 *                    waiting        no tries left     │
 *   (tries left, or past the point ──────────────▶ compensating ──all undone──▶ ended (compensated, or with failures)
 *    of no return)
 *
 * A step that failed without saying so itself (its deadline passed, or its command's fate is unknown) may still succeed:
 * it is *uncertain*, and its success is undone whenever it comes, also after the end. Undoing goes one by one, each
 * after the outcome of the one before. Commands are numbered as the engine numbers them, because this machine is the
 * only one that issues any.
 */
import type { DomainCommand, DomainEvent } from '@annals/core';
import { Subscription, type Subscriber } from 'rxjs';
import { CancelRequested, CommandAccepted, CommandRejected, withOutcome } from './command-outcome.js';
import { deadline } from './deadline.js';
import { currentDelivery } from './delivery.js';
import { defaultWaits, type Plan, type PlannedStep, type StepFailure, type Waits } from './steps-plan.js';
import type { SagaOutcome, StepReport } from './saga-events.js';

type Purpose =
  | { readonly of: 'step'; readonly index: number; readonly attempt: number }
  | { readonly of: 'undo'; readonly index: number }
  | { readonly of: 'completed' | 'compensated' };

export class StepsRun {
  private phase: 'new' | 'running' | 'waiting' | 'completing' | 'compensating' | 'ended' = 'new';
  private start: DomainEvent | undefined;
  private index = 0;
  private attempt = 1;
  /** An attempt at the present step may still succeed although it counts as failed. */
  private inDoubt = false;
  private pastPointOfNoReturn = false;
  private failure: StepFailure = { step: '', reason: '' };
  private failedToUndo = false;
  private undoing = false;
  private closed: 'no' | 'asked' | 'yes' = 'no';
  private readonly done: Record<string, DomainEvent> = {};
  /** Done steps in the order in which they were done; undone from its end. */
  private readonly doneSteps: number[] = [];
  private readonly uncertain = new Set<number>();
  private readonly issued: Purpose[] = [];
  private timer = Subscription.EMPTY;

  constructor(
    private readonly plan: Plan,
    private readonly commands: Subscriber<DomainCommand>,
  ) {}

  /** Handles an event; what goes wrong in it becomes the stream's error. */
  handle(event: DomainEvent): void {
    this.guarded(() => this.on(event));
  }

  stop(): void {
    this.timer.unsubscribe();
  }

  private on(event: DomainEvent): void {
    if (this.phase === 'new') return this.begin(event);
    if (event instanceof CommandRejected) return this.onRejected(event);
    if (event instanceof CommandAccepted) return this.onAccepted(this.issued[event.data.number]);
    if (event instanceof CancelRequested) return this.onCancel(event.data.reason);
    const step = this.step;
    const waitsForStep = this.phase === 'running' || this.phase === 'waiting';
    if (step && waitsForStep && event.type === step.done) return this.onDone(step, event);
    if (step && this.phase === 'running' && step.failed.includes(event.type))
      return this.onFailed({ step: step.name, reason: event.type, event }, true);
    this.onLate(event);
  }

  private get step(): PlannedStep | undefined {
    return this.plan.steps[this.index];
  }

  private begin(event: DomainEvent): void {
    if (event.type !== this.plan.start) return;
    this.start = event;
    this.proceed();
  }

  /** Sends the present step's command, or the closing one when there are no more steps. */
  private proceed(): void {
    const { step } = this;
    if (!step) return this.complete();
    this.phase = 'running';
    this.report({ step: step.name, status: 'sent', attempt: this.attempt });
    this.issue(step.send(this.start as never, this.done as never), {
      of: 'step',
      index: this.index,
      attempt: this.attempt,
    });
    if (step.within !== undefined) {
      const within = step.within(this.start as never, this.done as never);
      const reason = `no answer within ${within}`;
      this.timer = deadline(within).subscribe(() =>
        this.guarded(() => this.onFailed({ step: step.name, reason }, false)),
      );
    }
  }

  private onDone(step: PlannedStep, event: DomainEvent): void {
    this.timer.unsubscribe();
    this.done[step.name] = event;
    this.doneSteps.push(this.index);
    this.report({ step: step.name, status: 'done' });
    this.pastPointOfNoReturn ||= step.pointOfNoReturn;
    this.index++;
    this.attempt = 1;
    this.inDoubt = false;
    this.proceed();
  }

  /** @param certain the step's command has had no effect, and will have none */
  private onFailed(failure: StepFailure, certain: boolean): void {
    const step = this.step as PlannedStep;
    this.inDoubt ||= !certain;
    this.report({ step: step.name, status: 'failed', reason: failure.reason, attempt: this.attempt });
    if (this.pastPointOfNoReturn || this.attempt < step.tries) return this.again(step.waits);
    this.compensate(failure);
  }

  /** Waits, and sends the present command once more. */
  private again({ firstMs, maxMs }: Waits): void {
    this.phase = 'waiting';
    const waitMs = Math.min(maxMs, firstMs * 2 ** (this.attempt - 1));
    this.attempt++;
    this.timer.unsubscribe();
    this.timer = deadline(`PT${waitMs / 1_000}S`).subscribe(() => this.guarded(() => this.proceed()));
  }

  private complete(): void {
    this.phase = 'completing';
    if (!this.plan.completed) return this.end('completed');
    this.issue(withOutcome(this.plan.completed(this.start as never, this.done as never)), { of: 'completed' });
  }

  private compensate(failure: StepFailure): void {
    this.timer.unsubscribe();
    this.failure = failure;
    this.phase = 'compensating';
    if (this.inDoubt && this.step?.undo) this.uncertain.add(this.index);
    this.undoNext();
  }

  /** Undoes the step that was done last; when none is left, closes. */
  private undoNext(): void {
    for (let index = this.doneSteps.pop(); index !== undefined; index = this.doneSteps.pop())
      if (this.undo(index)) return;
    if (this.phase === 'compensating') this.finishCompensation();
    else this.settle();
  }

  /** @returns whether there is an outcome to wait for */
  private undo(index: number): boolean {
    const step = this.plan.steps[index];
    if (!step?.undo) return false;
    this.report({ step: step.name, status: 'undoing' });
    let command: DomainCommand;
    try {
      command = step.undo(this.start as never, { ...this.done } as never);
    } catch (error) {
      this.undoFailed(step.name, String(error));
      return false;
    }
    this.undoing = true;
    this.issue(withOutcome(command), { of: 'undo', index });
    return true;
  }

  private undoFailed(step: string, reason: string): void {
    const first = !this.failedToUndo;
    this.failedToUndo = true;
    this.report({ step, status: 'undo-failed', reason });
    if (first && this.phase === 'ended') currentDelivery('ended').end(this.compensationOutcome);
  }

  private finishCompensation(): void {
    if (this.closed === 'no' && this.plan.compensated) {
      this.closed = 'asked';
      const command = this.plan.compensated(this.start as never, this.failure, { ...this.done } as never);
      return this.issue(withOutcome(command), { of: 'compensated' });
    }
    if (this.closed !== 'asked') this.end(this.compensationOutcome);
  }

  private get compensationOutcome(): SagaOutcome {
    return this.failedToUndo ? 'compensated-with-failures' : 'compensated';
  }

  private onAccepted(purpose: Purpose | undefined): void {
    switch (purpose?.of) {
      case 'completed':
        return this.end('completed');
      case 'compensated':
        return this.onClosed();
      case 'undo':
        this.report({ step: this.nameOf(purpose.index), status: 'undone' });
        return this.onUndone();
      case 'step':
      case undefined:
        return;
    }
  }

  private onRejected({ data: { number, error, certain } }: CommandRejected): void {
    const purpose = this.issued[number];
    const reason = `${error.code}: ${error.message}`;
    switch (purpose?.of) {
      case 'completed':
        if (this.pastPointOfNoReturn) return this.again(defaultWaits);
        return this.compensate({ step: 'completed', reason });
      case 'compensated':
        this.undoFailed('compensated', reason);
        return this.onClosed();
      case 'undo':
        this.undoFailed(this.nameOf(purpose.index), reason);
        return this.onUndone();
      case 'step': {
        const present = this.phase === 'running' && purpose.index === this.index && purpose.attempt === this.attempt;
        return present ? this.onFailed({ step: this.nameOf(this.index), reason }, certain) : undefined;
      }
      case undefined:
        return;
    }
  }

  private onClosed(): void {
    this.closed = 'yes';
    if (!this.undoing) this.undoNext();
  }

  private onUndone(): void {
    this.undoing = false;
    this.undoNext();
  }

  private onCancel(reason: string): void {
    if (this.pastPointOfNoReturn || (this.phase !== 'running' && this.phase !== 'waiting')) return;
    const step = this.nameOf(this.index);
    this.inDoubt ||= this.phase === 'running';
    this.report({ step, status: 'failed', reason: `cancelled: ${reason}` });
    this.compensate({ step, reason: `cancelled: ${reason}` });
  }

  /** What a step has to say that counts as failed already. */
  private onLate(event: DomainEvent): void {
    for (const index of this.uncertain) {
      const step = this.plan.steps[index] as PlannedStep;
      if (step.done !== event.type && !step.failed.includes(event.type)) continue;
      this.uncertain.delete(index);
      if (step.done !== event.type) return this.settle();
      this.done[step.name] = event;
      this.doneSteps.push(index);
      this.report({ step: step.name, status: 'done', reason: 'too late: it is undone' });
      if (!this.undoing) this.undoNext();
      return;
    }
  }

  private end(outcome: SagaOutcome): void {
    this.phase = 'ended';
    currentDelivery('ended').end(outcome);
    this.settle();
  }

  /** After the end: closes the stream once nothing is to be expected any more. */
  private settle(): void {
    if (this.phase !== 'ended' || this.undoing) return;
    if (this.uncertain.size === 0) this.commands.complete();
  }

  private nameOf(index: number): string {
    return this.plan.steps[index]?.name ?? '';
  }

  private issue(command: DomainCommand, purpose: Purpose): void {
    this.issued.push(purpose);
    this.commands.next(command);
  }

  private report(report: StepReport): void {
    currentDelivery('reported a step').reportStep(report);
  }

  private guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.commands.error(error);
    }
  }
}
