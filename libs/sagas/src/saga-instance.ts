/**
 * One instance of a saga: its stream folded, and its pipeline alive. Whoever uses it sees to it that only one of its
 * methods runs at a time; after any rejection it must be thrown away and loaded again.
 *
 *            input            pipeline throws
 *   running ───────▶ running ─────────────────▶ failing ──retry──▶ running
 *      │                                          │  ▲ │
 *      │ stream completes / steps end    input: stored  │ no tries left
 *      ▼                                  for later     ▼
 *    ended                                            stuck ──retry──▶ running
 */
import { randomUUID } from 'node:crypto';
import {
  currentTraceparent,
  deterministicId,
  inSpan,
  isCodedError,
  type Backoff,
  type DomainEvent,
} from '@annals/core';
import type { Streams } from '@annals/event-store';
import { CancelRequested } from './command-outcome.js';
import type { Clock } from './clock.js';
import { NotDeterministic, SagaInstanceInWrongState } from './errors.js';
import type { Conversation, InstanceLog, StoredInput } from './instance-log.js';
import { PipelineRun, type PipelineInput, type PipelineOutput } from './pipeline-run.js';
import { beyondStored, mismatchWith, ReplayMismatch } from './replay.js';
import type { SagaDefinition } from './saga-definition.js';
import {
  SagaCommandIssued,
  SagaDeadlineCancelled,
  SagaDeadlineSet,
  SagaEnded,
  SagaFailed,
  SagaInputReceived,
  SagaResumed,
  SagaStarted,
  SagaStepReported,
  sagaStream,
  type InputSource,
  type SagaFact,
  type StoredError,
} from './saga-events.js';

/** Something that an instance is to deal with. */
export interface SagaInput {
  /** The message's id; the same id has its effect once. */
  readonly id: string;
  readonly source: InputSource;
  readonly event: DomainEvent;
  readonly correlationId: string;
  readonly actor?: string | undefined;
  /** The trace that it belongs to (W3C). */
  readonly traceparent?: string | undefined;
}

/** The type of the input that says that a deadline has come; its data is `{ number }`. */
export const deadlineFired = 'SagaDeadlineFired';

export interface InstanceSettings {
  readonly streams: Pick<Streams, 'append'>;
  readonly clock: Clock;
  /** How often and how soon an input that the pipeline fails on is tried again by itself. */
  readonly retry: Backoff & { readonly tries: number };
  /** Told of each append, after it. */
  onAppended(facts: readonly SagaFact[]): void;
  /** Told when the pipeline does something outside of a delivery; is to have {@link SagaInstance.failOutside} called. */
  onRefused(instance: SagaInstance, error: Error): void;
}

export class SagaInstance {
  readonly stream: string;
  private run: PipelineRun | undefined;

  constructor(
    readonly definition: SagaDefinition,
    readonly id: string,
    readonly log: InstanceLog,
    private readonly settings: InstanceSettings,
  ) {
    this.stream = sagaStream(definition.name, id);
  }

  /**
   * Gives an input to the pipeline, and stores both it and what it led to in one append. Inputs that were received
   * already or that do not concern the instance change nothing.
   * @throws WrongExpectedRevision when another owner appended; errors of the event store
   */
  async receive(input: SagaInput): Promise<void> {
    if (!this.concerns(input)) return;
    const { name } = this.definition;
    const attributes = () => ({ 'annals.saga': name, 'annals.saga.id': this.id, 'annals.input': input.event.type });
    await inSpan(`saga ${name}`, { parent: input.traceparent, attributes }, () => this.take(input));
  }

  private async take(input: SagaInput): Promise<void> {
    if (this.log.started) await this.wake();
    const received = this.received(input);
    const facts: SagaFact[] = this.log.started ? [] : [this.started()];
    facts.push(received);
    if (!this.log.failing) {
      const outputs = this.attempt(received.data, this.log.inputs.length);
      if (outputs instanceof SagaFailed) facts.push(outputs);
      else if (this.log.ended && outputs.length === 0) return;
      else facts.push(...this.facts(outputs, received.data.number));
    }
    this.log.conversation ??= conversationOf(input);
    await this.append(facts, input.id);
  }

  /** Rebuilds the pipeline of a failing instance and goes on with the inputs that it has not dealt with. */
  async retry(): Promise<void> {
    const { failing, inputs, ended } = this.log;
    if (!failing || ended?.closed) return;
    const facts: SagaFact[] = [];
    const outputs: SagaFact[] = [];
    let failed = this.rebuild();
    let through = this.log.processed - 1;
    while (!failed && through + 1 < inputs.length) {
      const number = through + 1;
      const result = this.attempt(inputs[number] as StoredInput, number);
      if (result instanceof SagaFailed) failed = result;
      else outputs.push(...this.facts(result, number, outputs));
      if (!failed) through = number;
    }
    if (!failed || through >= failing.input) facts.push(new SagaResumed({ ...this.key, through }), ...outputs);
    if (failed) facts.push(failed);
    await this.append(facts, inputs[failing.input]?.input.id ?? this.stream);
  }

  /**
   * Asks the saga to give up: orchestrated steps are undone; any other instance ends at once, and so does one that is
   * failing, since its pipeline cannot be asked.
   * @throws SagaInstanceInWrongState when it has ended
   */
  async cancel(reason: string): Promise<void> {
    const { ended, failing, conversation } = this.log;
    if (ended) throw new SagaInstanceInWrongState(this.definition.name, this.id, ended.outcome, 'cancelled');
    const input: SagaInput = {
      id: randomUUID(),
      source: 'cancel',
      event: new CancelRequested({ reason }),
      correlationId: conversation?.correlationId ?? this.stream,
    };
    if (this.definition.orchestrated && !failing) return this.receive(input);
    const received = this.received(input);
    const number = received.data.number;
    const cancelled = [...this.log.openDeadlines].map(
      (deadline) => new SagaDeadlineCancelled({ ...this.key, input: number, number: deadline }),
    );
    const end = new SagaEnded({ ...this.key, input: number, outcome: 'cancelled', closed: true });
    await this.append([received, ...cancelled, end], input.id);
    this.sleep();
  }

  /** Stops the instance because of something that its pipeline did outside of a delivery; trying again would not help. */
  async failOutside(error: Error): Promise<void> {
    const last = this.log.inputs.at(-1);
    if (this.log.failing || this.log.ended?.closed || !last) return;
    this.sleep();
    await this.append([this.stuck(last.number, error)], last.input.id);
  }

  /** Stops the instance because of an input that cannot even be given to its pipeline. */
  async stopWith(input: SagaInput, error: Error): Promise<void> {
    if (this.log.hasSeen(input.id)) return;
    this.log.conversation ??= conversationOf(input);
    const received = this.received(input);
    await this.append([this.started(), received, this.stuck(received.data.number, error)], input.id);
  }

  /** Ends an instance that {@link stopWith} made, once its input has found its way. */
  async close(): Promise<void> {
    const input = Math.max(0, this.log.inputs.length - 1);
    await this.append([new SagaEnded({ ...this.key, input, outcome: 'completed', closed: true })], this.stream);
  }

  /** Lets go of the pipeline; it is rebuilt when it is needed again. */
  sleep(): void {
    this.run?.dispose();
    this.run = undefined;
  }

  private get key() {
    return { saga: this.definition.name, id: this.id };
  }

  private concerns({ id, source, event }: SagaInput): boolean {
    const { log, definition } = this;
    if (log.hasSeen(id) || log.ended?.closed) return false;
    if (source === 'deadline') return log.openDeadlines.has((event.data as { number: number }).number);
    if (source === 'outcome' || source === 'cancel') return true;
    if (definition.on && !definition.on.has(event.type)) return false;
    return log.started || !definition.startedBy || definition.startedBy.has(event.type);
  }

  /** Makes sure that the pipeline is alive, unless it is failing. */
  private async wake(): Promise<void> {
    if (this.run || this.log.failing) return;
    const failed = this.rebuild();
    if (failed) await this.append([failed], this.log.inputs[failed.data.input]?.input.id ?? this.stream);
  }

  /** A fresh pipeline, fed with everything that was processed. */
  private rebuild(): SagaFailed | undefined {
    this.sleep();
    for (const input of this.log.inputs.slice(0, this.log.processed)) {
      try {
        const produced = this.pipeline().deliver(pipelineInput(input));
        const mismatch = mismatchWith(this.log.outputsOf(input.number), produced);
        if (mismatch) return this.differs(input, mismatch);
      } catch (error) {
        return this.failed(input.number, error);
      }
    }
    return undefined;
  }

  /** Gives one input to the pipeline. @returns what it led to beyond what is stored, or the failure to store */
  private attempt(input: StoredInput, number: number): readonly PipelineOutput[] | SagaFailed {
    try {
      const outputs = beyondStored(this.log.outputsOf(number), this.pipeline().deliver(pipelineInput(input)));
      return outputs instanceof ReplayMismatch ? this.differs(input, outputs) : outputs;
    } catch (error) {
      return this.failed(number, error);
    }
  }

  private pipeline(): PipelineRun {
    this.run ??= new PipelineRun(this.definition.pipeline, (error) => this.settings.onRefused(this, error));
    return this.run;
  }

  private differs({ number, input }: StoredInput, { stored, replayed }: ReplayMismatch): SagaFailed {
    this.sleep();
    return this.stuck(number, new NotDeterministic(this.stream, `${number} (${input.type})`, stored, replayed));
  }

  private failed(input: number, error: unknown): SagaFailed {
    this.sleep();
    const { tries: maxTries, firstMs, maxMs } = this.settings.retry;
    const before = this.log.failing?.input === input ? this.log.failing.tries : 0;
    const tries = before + 1;
    const waitMs = Math.min(maxMs, firstMs * 2 ** before);
    const retryAt = tries < maxTries ? new Date(this.settings.clock.now().getTime() + waitMs).toISOString() : null;
    return new SagaFailed({ ...this.key, input, error: storedError(error), tries, retryAt });
  }

  private stuck(input: number, error: Error): SagaFailed {
    return new SagaFailed({ ...this.key, input, error: storedError(error), tries: 1, retryAt: null });
  }

  private started(): SagaStarted {
    return new SagaStarted({ ...this.key, version: this.definition.version });
  }

  private received({ id, source, event }: SagaInput): SagaInputReceived {
    return new SagaInputReceived({
      ...this.key,
      number: this.log.inputs.length,
      source,
      input: { id, type: event.type, data: event.data },
      receivedAt: this.settings.clock.now().toISOString(),
    });
  }

  /** @param before facts of the same append, which count as issued */
  private facts(outputs: readonly PipelineOutput[], input: number, before: readonly SagaFact[] = []): SagaFact[] {
    let commands = this.log.commands + before.filter(({ type }) => type === 'SagaCommandIssued').length;
    return outputs.map((output) => {
      const key = { ...this.key, input };
      switch (output.kind) {
        case 'command': {
          const number = commands++;
          const { type, data } = output.command;
          const commandId = deterministicId('saga-command', this.stream, number);
          return new SagaCommandIssued({ ...key, number, commandId, command: { type, data }, outcome: output.outcome });
        }
        case 'deadline-set':
          return new SagaDeadlineSet({ ...key, number: output.number, due: output.due.toISOString() });
        case 'deadline-cancelled':
          return new SagaDeadlineCancelled({ ...key, number: output.number });
        case 'step':
          return new SagaStepReported({ ...key, ...output.report });
        case 'ended':
          return new SagaEnded({ ...key, outcome: output.outcome, closed: output.closed });
      }
    });
  }

  private async append(facts: readonly SagaFact[], causationId: string): Promise<void> {
    const { correlationId = this.stream, actor, traceparent: first } = this.log.conversation ?? {};
    const traceparent = currentTraceparent() ?? first;
    const metadata = {
      $correlationId: correlationId,
      $causationId: causationId,
      ...(actor !== undefined && { actor }),
      ...(traceparent !== undefined && { traceparent }),
    };
    const events = facts.map((event) => ({ id: randomUUID(), event, metadata }));
    const { revision } = await this.settings.streams.append(this.stream, events, this.log.revision);
    for (const fact of facts) this.log.apply(fact);
    this.log.revision = revision;
    this.settings.onAppended(facts);
  }
}

const conversationOf = ({ correlationId, actor, traceparent }: SagaInput): Conversation => ({
  correlationId,
  actor,
  traceparent,
});

const pipelineInput = ({ source, input, receivedAt }: StoredInput): PipelineInput => ({
  receivedAt: new Date(receivedAt),
  what:
    source === 'deadline'
      ? { deadline: (input.data as { number: number }).number }
      : { event: { type: input.type, data: input.data } },
});

function storedError(error: unknown): StoredError {
  if (!(error instanceof Error)) return { name: typeof error, code: 'UNKNOWN', message: String(error) };
  return { name: error.name, code: isCodedError(error) ? error.code : 'UNKNOWN', message: error.message };
}
