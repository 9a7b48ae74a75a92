/** What an engine of sagas stands on, and how it may be set. */
import type { Backoff, DomainCommand, Log } from '@annals/core';
import type { CheckpointStore, ConsumerStatus, EventFeed, Streams } from '@annals/event-store';
import type { Clock } from './clock.js';
import type { DispatchRetry } from './command-outbox.js';
import type { DeadlineStore } from './deadline-store.js';
import type { InstanceIndex } from './instance-index.js';
import type { SagaDefinition } from './saga-definition.js';

export interface SagaEnginePorts {
  readonly store: { readonly streams: Pick<Streams, 'append' | 'readToEnd' | 'headPosition'> };
  /** Of the context's categories. */
  readonly feed: Pick<EventFeed, 'run'>;
  /** Of the sagas' own streams: `sagaFeedPrefixes`. */
  readonly sagaFeed: Pick<EventFeed, 'run'>;
  readonly sagas: readonly SagaDefinition[];
  readonly checkpoints: CheckpointStore;
  readonly deadlines: DeadlineStore;
  /** Default: in memory, filled from the sagas' streams at each start. */
  readonly index?: InstanceIndex;
  /**
   * Carries a command out, or hands it over for good to the context that does. Gets plain data with all metadata; is
   * called again with the same `metadata.id` after a crash. A rejection with a lasting kind of error (a DomainError, for
   * one) is the saga's `CommandRejected` at once; any other is tried again first.
   */
  dispatch(command: DomainCommand): Promise<unknown>;
  readonly clock?: Clock;
  readonly log?: Log;
  readonly settings?: Partial<SagaSettings>;
}

export interface SagaSettings {
  /** Of commands that fail for a passing reason. Default: 3 tries, first wait at most 2 s, at most 10 s. */
  readonly dispatchRetry: DispatchRetry;
  /** Of inputs that a pipeline fails on, before the instance is stuck. Default: 4 tries, 1 s doubling up to 1 min. */
  readonly pipelineRetry: Backoff & { readonly tries: number };
  /** How many instances stay alive in memory; default 5,000. */
  readonly liveInstances: number;
  /** How many commands are under way at most; default 128. */
  readonly concurrentCommands: number;
  /** How long `stop` waits for what is under way, in ms; default 5,000. The rest is done at the next start. */
  readonly drainMs: number;
}

/** A message from another context. */
export interface IntegrationMessage {
  readonly id: string;
  readonly type: string;
  readonly data: unknown;
  readonly correlationId?: string | undefined;
  readonly actor?: string | undefined;
}

export interface SagaEngineStatus {
  readonly consumers: readonly ConsumerStatus[];
  readonly liveInstances: number;
  readonly commandsUnderWay: number;
  /** Why deadlines cannot be fired at present. */
  readonly deadlineProblem: string | undefined;
}

export const defaultSettings: SagaSettings = {
  dispatchRetry: { tries: 3, firstMs: 2_000, maxMs: 10_000 },
  pipelineRetry: { tries: 4, firstMs: 1_000, maxMs: 60_000 },
  liveInstances: 5_000,
  concurrentCommands: 128,
  drainMs: 5_000,
};
