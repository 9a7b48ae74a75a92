/**
 * One living copy of a saga's RxJS stream. An input goes in and all that it leads to comes out of the same synchronous
 * call; what the stream does at any other time is refused, because nothing would remember it.
 */
import { assertJson, type DomainCommand, type DomainEvent } from '@annals/core';
import { Subject, type Subscription } from 'rxjs';
import { wantsOutcome } from './command-outcome.js';
import { duringDelivery, isDelivering, type Delivery } from './delivery.js';
import { NotACommand, OutsideOfDelivery } from './errors.js';
import type { SagaDefinition } from './saga-definition.js';
import type { SagaOutcome, StepReport } from './saga-events.js';

/** An input on its way into the pipeline: an event, or the firing of the deadline of that number. */
export interface PipelineInput {
  readonly receivedAt: Date;
  readonly what: { readonly event: DomainEvent } | { readonly deadline: number };
}

export type PipelineOutput =
  | { readonly kind: 'command'; readonly command: DomainCommand; readonly outcome: boolean }
  | { readonly kind: 'deadline-set'; readonly number: number; readonly due: Date }
  | { readonly kind: 'deadline-cancelled'; readonly number: number }
  | { readonly kind: 'step'; readonly report: StepReport }
  | { readonly kind: 'ended'; readonly outcome: SagaOutcome; readonly closed: boolean };

export class PipelineRun implements Delivery {
  now = new Date(0);
  private readonly events$ = new Subject<DomainEvent>();
  private readonly deadlines = new Map<number, () => void>();
  private deadlinesSoFar = 0;
  private outputs: PipelineOutput[] = [];
  private outcome: SagaOutcome | undefined;
  private subscription: Subscription | undefined;
  private failure: { readonly error: unknown } | undefined;
  private disposed = false;

  /** @param refuse told of what happens outside of a delivery, with the error that says so */
  constructor(
    private readonly pipeline: SagaDefinition['pipeline'],
    private readonly refuse: (error: OutsideOfDelivery) => void,
  ) {}

  /**
   * Everything that the input leads to, in order.
   * @throws whatever the pipeline threw, NotACommand, NotJson; the run is of no use afterwards
   */
  deliver({ receivedAt, what }: PipelineInput): readonly PipelineOutput[] {
    this.outputs = [];
    this.now = receivedAt;
    duringDelivery(this, () => {
      if (!this.subscription) this.subscribe();
      if ('event' in what) this.events$.next(what.event);
      else this.fire(what.deadline);
    });
    if (this.failure) throw this.failure.error;
    return this.outputs;
  }

  /** Ends the run without a trace: no deadline counts as cancelled by it. */
  dispose(): void {
    this.disposed = true;
    this.subscription?.unsubscribe();
  }

  openDeadline(due: Date, fire: () => void): () => void {
    const number = this.deadlinesSoFar++;
    this.deadlines.set(number, fire);
    this.outputs.push({ kind: 'deadline-set', number, due });
    return () => this.cancelDeadline(number);
  }

  reportStep(report: StepReport): void {
    this.outputs.push({ kind: 'step', report });
  }

  end(outcome: SagaOutcome): void {
    this.outcome = outcome;
    this.outputs.push({ kind: 'ended', outcome, closed: false });
  }

  private subscribe(): void {
    try {
      this.subscription = this.pipeline(this.events$.asObservable()).subscribe({
        next: (emitted) => this.inDelivery('emitted a command', () => this.issue(emitted)),
        error: (error: unknown) => this.errored(error),
        complete: () => this.inDelivery('completed', () => this.close()),
      });
    } catch (error) {
      this.fail(error);
    }
  }

  private fire(number: number): void {
    const fire = this.deadlines.get(number);
    this.deadlines.delete(number);
    fire?.();
  }

  private cancelDeadline(number: number): void {
    if (!this.deadlines.has(number) || this.disposed || this.failure) return;
    this.inDelivery('cancelled a deadline', () => {
      this.deadlines.delete(number);
      const set = this.outputs.findIndex((output) => output.kind === 'deadline-set' && output.number === number);
      if (set >= 0) this.outputs.splice(set, 1);
      else this.outputs.push({ kind: 'deadline-cancelled', number });
    });
  }

  private issue(emitted: unknown): void {
    const { type, data } = (emitted ?? {}) as { type?: unknown; data?: unknown };
    if (typeof type !== 'string' || data === undefined) return this.fail(new NotACommand(described(emitted)));
    try {
      assertJson(data, `${type}.data`);
    } catch (error) {
      return this.fail(error);
    }
    this.outputs.push({ kind: 'command', command: emitted as DomainCommand, outcome: wantsOutcome(emitted as object) });
  }

  private close(): void {
    const last = this.outputs.at(-1);
    if (last?.kind === 'ended') this.outputs.pop();
    this.outputs.push({ kind: 'ended', outcome: this.outcome ?? 'completed', closed: true });
  }

  private errored(error: unknown): void {
    // A deadline that was set outside of a delivery arrives here, and says so itself.
    if (error instanceof OutsideOfDelivery && !this.disposed && !isDelivering(this)) this.refuse(error);
    else this.inDelivery(`failed (${String(error)})`, () => this.fail(error));
  }

  private fail(error: unknown): void {
    this.failure ??= { error };
  }

  private inDelivery(what: string, work: () => void): void {
    if (this.disposed) return;
    if (isDelivering(this)) work();
    else this.refuse(new OutsideOfDelivery(what));
  }
}

function described(value: unknown): string {
  if (typeof value !== 'object' || value === null) return `${typeof value} ${String(value)}`;
  const name = value.constructor?.name;
  return name && name !== 'Object' ? `an instance of ${name}` : 'an object without a text `type` and `data`';
}
