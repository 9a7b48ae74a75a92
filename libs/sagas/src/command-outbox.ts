/**
 * Carries out the commands that sagas issue. The sagas' own streams are the outbox: what is stored there is dispatched,
 * from a checkpoint on, again after a crash; the commands' ids make repetition harmless (G3, G8). In order per instance,
 * in parallel across instances, so that a command that must wait for its next try holds up its own instance only.
 */
import { setMaxListeners } from 'node:events';
import {
  fullJitterMs,
  isCodedError,
  runInContext,
  type Backoff,
  type DomainCommand,
  type ErrorKind,
  type Log,
  type MessageContext,
} from '@annals/core';
import {
  CheckpointKeeper,
  type CheckpointStore,
  type FeedBatch,
  type FeedConsumer,
  type RecordedEvent,
} from '@annals/event-store';
import type { Clock } from './clock.js';
import { CommandAccepted, CommandRejected } from './command-outcome.js';
import { Lanes } from './lanes.js';
import type { SagaInput } from './saga-instance.js';
import { isSagaFact, type SagaCommandIssued } from './saga-events.js';

export interface DispatchRetry extends Backoff {
  /** How often a command is tried before its failure counts as a rejection. */
  readonly tries: number;
}

export interface OutboxPorts {
  readonly checkpoints: CheckpointStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly retry: DispatchRetry;
  /** How many commands are under way at most. */
  readonly concurrency: number;
  concerns(saga: string): boolean;
  dispatch(command: DomainCommand): Promise<unknown>;
  /** Whether the instance was told that this command is rejected: then it must not be carried out any more. */
  wasRejected(saga: string, id: string, number: number): Promise<boolean>;
  deliver(saga: string, id: string, input: SagaInput): Promise<void>;
}

type Issued = SagaCommandIssued['data'];
type Settled =
  { readonly accepted: true } | { readonly accepted: false; readonly error: unknown; readonly tries: number };

/** Failures that another try cannot change; all others may pass. */
const lasting: ReadonlySet<ErrorKind> = new Set<ErrorKind>([
  'rejected',
  'invalid',
  'unauthenticated',
  'forbidden',
  'not-found',
  'unprocessable',
]);
const isLasting = (error: unknown): boolean => isCodedError(error) && lasting.has(error.kind);

const redeliver: Backoff = { firstMs: 200, maxMs: 5_000 };

export class CommandOutbox implements FeedConsumer {
  readonly name = 'sagas:commands';
  private readonly keeper: CheckpointKeeper;
  private readonly lanes = new Lanes();
  private readonly stopping = new AbortController();
  private underWay = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly ports: OutboxPorts) {
    // Every command that waits for its next try listens to it.
    setMaxListeners(0, this.stopping.signal);
    this.keeper = new CheckpointKeeper(ports.checkpoints, this.name, (error) => this.onFailure(error));
  }

  get inFlight(): number {
    return this.underWay;
  }

  checkpoint(): Promise<bigint> {
    return this.keeper.load();
  }

  /** Takes the batch's commands in hand, as fast as there is room for them, and does not wait for them. */
  async handle({ events, position }: FeedBatch, signal: AbortSignal): Promise<void> {
    for (const { event, at } of events) {
      if (!isSagaFact(event) || event.type !== 'SagaCommandIssued' || !this.ports.concerns(event.data.saga)) continue;
      await this.room();
      if (signal.aborted || this.stopping.signal.aborted) return;
      this.begin(event.data, at);
    }
    this.keeper.advance(position);
  }

  onFailure(error: unknown): void {
    this.ports.log.warn('The dispatch of saga commands failed and goes on from its checkpoint.', {
      error: String(error),
    });
  }

  /** Lets the commands under way come to an end, but not their next tries. */
  async stop(): Promise<void> {
    this.stopping.abort();
    for (const wake of this.waiting.splice(0)) wake();
    await this.lanes.idle();
    await this.keeper.close();
  }

  private begin(issued: Issued, at: RecordedEvent['at']): void {
    const done = this.keeper.begin(at.position);
    this.underWay++;
    void this.lanes
      .run(at.stream, () => this.settle(issued, at))
      .then((settled) => settled && done())
      .finally(() => {
        this.underWay--;
        this.waiting.shift()?.();
      });
  }

  /** Dispatches until there is an outcome and the saga knows of it. @returns false when stopped before */
  private async settle(issued: Issued, at: RecordedEvent['at']): Promise<boolean> {
    const { signal } = this.stopping;
    for (let attempt = 1; !signal.aborted; attempt++) {
      try {
        if (await this.ports.wasRejected(issued.saga, issued.id, issued.number)) return true;
        const outcome = await this.dispatch(issued, at);
        if (!outcome) return false;
        const input = outcomeInput(issued, at, outcome);
        if (input) await this.ports.deliver(issued.saga, issued.id, input);
        return true;
      } catch (error) {
        // Not the command's failure but the saga stream's: until that can be written, nothing is settled.
        this.onFailure(error);
        await this.ports.clock.sleep(fullJitterMs(attempt, redeliver), signal);
      }
    }
    return false;
  }

  private async dispatch(issued: Issued, at: RecordedEvent['at']): Promise<Settled | undefined> {
    const { tries, ...backoff } = this.ports.retry;
    const { correlationId, causationId, actor, traceparent } = at;
    const metadata = { id: issued.commandId, correlationId, causationId, actor };
    const command: DomainCommand = { ...issued.command, metadata };
    const context: MessageContext = { correlationId, causationId, actor, traceparent };
    const { signal } = this.stopping;
    for (let attempt = 1; !signal.aborted; attempt++) {
      try {
        await runInContext(context, () => this.ports.dispatch(command));
        return { accepted: true };
      } catch (error) {
        if (isLasting(error) || attempt >= tries) return { accepted: false, error, tries: attempt };
        this.ports.log.warn(`${command.type} of ${at.stream} failed and is tried again.`, {
          attempt,
          error: String(error),
        });
        await this.ports.clock.sleep(fullJitterMs(attempt, backoff), signal);
      }
    }
    return undefined;
  }

  private async room(): Promise<void> {
    while (this.underWay >= this.ports.concurrency && !this.stopping.signal.aborted)
      await new Promise<void>((resolve) => this.waiting.push(resolve));
  }
}

/** What the saga is told of the outcome; of success only if it asked. */
function outcomeInput(issued: Issued, at: RecordedEvent['at'], outcome: Settled): SagaInput | undefined {
  const { number, command, commandId } = issued;
  const envelope = {
    source: 'outcome',
    correlationId: at.correlationId,
    actor: at.actor,
    traceparent: at.traceparent,
  } as const;
  if (outcome.accepted) {
    if (!issued.outcome) return undefined;
    return { ...envelope, id: `${commandId}:accepted`, event: new CommandAccepted({ number, command }) };
  }
  const { error, tries } = outcome;
  const said = isCodedError(error)
    ? { code: error.code, kind: error.kind, message: error.message }
    : { code: 'UNKNOWN', kind: 'internal' as const, message: String(error) };
  const rejected = new CommandRejected({ number, command, error: said, tries, certain: isLasting(error) });
  return { ...envelope, id: `${commandId}:rejected`, event: rejected };
}
