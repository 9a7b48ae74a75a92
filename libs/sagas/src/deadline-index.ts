/** Keeps the deadline store in step with the sagas' streams: a consumer of them, from a checkpoint on. */
import { deterministicId, type Log } from '@annals/core';
import {
  CheckpointKeeper,
  type CheckpointStore,
  type FeedBatch,
  type FeedConsumer,
  type RecordedEvent,
} from '@annals/event-store';
import type { DeadlineStore, StoredDeadline } from './deadline-store.js';
import { deadlineFired } from './saga-instance.js';
import { isSagaFact, type SagaFact } from './saga-events.js';

export const deadlineId = (stream: string, number: number): string => deterministicId('saga-deadline', stream, number);
// With its time, so that a retry that has been fired is never taken for the next one.
const retryId = (stream: string, at: string): string => deterministicId('saga-retry', stream, at);

export interface DeadlineIndexPorts {
  readonly deadlines: DeadlineStore;
  readonly checkpoints: CheckpointStore;
  readonly log: Log;
  concerns(saga: string): boolean;
  /** Told when a deadline is stored, so that the alarm can be set to it. */
  onSet(due: Date): void;
}

export class DeadlineIndex implements FeedConsumer {
  readonly name = 'sagas:deadlines';
  /** Most deadlines of a journey that goes well are cancelled before they are ever stored. Deadlines are due to the second. */
  readonly everyMs = 100;
  private readonly keeper: CheckpointKeeper;

  constructor(private readonly ports: DeadlineIndexPorts) {
    this.keeper = new CheckpointKeeper(ports.checkpoints, this.name, (error) => this.onFailure(error));
  }

  checkpoint(): Promise<bigint> {
    return this.keeper.load();
  }

  async handle({ events, position }: FeedBatch): Promise<void> {
    const open = new Map<string, StoredDeadline>();
    const removed = new Set<string>();
    const set = (deadline: StoredDeadline) => {
      removed.delete(deadline.id);
      open.set(deadline.id, deadline);
    };
    const remove = (id: string) => {
      open.delete(id);
      removed.add(id);
    };
    for (const { event, at } of events)
      if (isSagaFact(event) && this.ports.concerns(event.data.saga)) applyTo(event, at.stream, set, remove);
    if (open.size + removed.size > 0) await this.ports.deadlines.save([...open.values()], [...removed]);
    for (const { due } of open.values()) this.ports.onSet(due);
    this.keeper.advance(position);
  }

  onFailure(error: unknown): void {
    this.ports.log.warn('Deadlines of sagas could not be stored; it is tried again.', { error: String(error) });
  }

  stop(): Promise<void> {
    return this.keeper.close();
  }
}

function applyTo(
  fact: SagaFact,
  stream: RecordedEvent['at']['stream'],
  set: (deadline: StoredDeadline) => void,
  remove: (id: string) => void,
): void {
  const { saga, id: instance } = fact.data;
  switch (fact.type) {
    case 'SagaDeadlineSet': {
      const { number, due } = fact.data;
      return set({ id: deadlineId(stream, number), saga, instance, kind: 'deadline', number, due: new Date(due) });
    }
    case 'SagaDeadlineCancelled':
      return remove(deadlineId(stream, fact.data.number));
    case 'SagaInputReceived':
      if (fact.data.input.type === deadlineFired)
        remove(deadlineId(stream, (fact.data.input.data as { number: number }).number));
      return;
    case 'SagaFailed': {
      const { input: number, retryAt } = fact.data;
      if (retryAt === null) return;
      return set({ id: retryId(stream, retryAt), saga, instance, kind: 'retry', number, due: new Date(retryAt) });
    }
    case 'SagaResumed':
    case 'SagaEnded':
    case 'SagaStarted':
    case 'SagaCommandIssued':
    case 'SagaStepReported':
      return;
  }
}
