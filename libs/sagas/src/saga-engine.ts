/**
 * Runs the durable sagas of a context.
 *
 *   domain events ──────▶ inputs ─┐                                   ┌─▶ command outbox ─▶ CommandBus
 *   integration events ──────────▶│ instance ─▶ saga-<name>-<id> ─feed┼─▶ deadline index ─▶ deadline store
 *   outcomes, due deadlines ─────▶│ (one append per input)            └─▶ instance index (lists, boot check)
 *            ▲                                                                  │
 *            └──────────────── alarm ◀── deadline store; outbox ◀───────────────┘
 *
 * Everything right of the instance is derived from its stream, from checkpoints on, and may be repeated; everything left
 * of it is deduplicated by the input's id. So there is no point at which a crash could lose or double an effect (G8).
 */
import { currentTraceparent, silent, type DomainEvent, type Log } from '@annals/core';
import {
  beginning,
  type EventFeed,
  type FeedConsumer,
  type RecordedEvent,
  type RunningConsumer,
} from '@annals/event-store';
import { alertOf } from './alerts.js';
import { systemClock, type Clock } from './clock.js';
import { CommandOutbox } from './command-outbox.js';
import { DeadlineAlarm } from './deadline-alarm.js';
import { DeadlineIndex, deadlineId } from './deadline-index.js';
import type { StoredDeadline } from './deadline-store.js';
import { Deliveries } from './deliveries.js';
import { SagaVersionMissing } from './errors.js';
import { InstanceDesk } from './instance-desk.js';
import { InstanceIndexer, MemoryInstanceIndex, type InstanceIndex } from './instance-index.js';
import { LiveInstances } from './live-instances.js';
import { SagaCatalogue, type SagaDefinition } from './saga-definition.js';
import {
  defaultSettings,
  type IntegrationMessage,
  type SagaEnginePorts,
  type SagaEngineStatus,
  type SagaSettings,
} from './saga-engine-ports.js';
import { sagaPrefix, sagaStream } from './saga-events.js';
import { SagaInputs } from './saga-inputs.js';
import { deadlineFired, type SagaInput } from './saga-instance.js';

interface Part {
  readonly consumer: FeedConsumer;
  stop?(): Promise<void>;
}

export class SagaEngine {
  /** Lists, shows, retries and cancels instances. */
  readonly instances: InstanceDesk;
  private readonly catalogue: SagaCatalogue;
  private readonly live: LiveInstances;
  private readonly deliveries: Deliveries;
  private readonly outbox: CommandOutbox;
  private readonly deadlineIndex: DeadlineIndex;
  private readonly alarm: DeadlineAlarm;
  private readonly index: InstanceIndex;
  private readonly log: Log;
  private readonly clock: Clock;
  private readonly settings: SagaSettings;
  private readonly running: { readonly consumer: RunningConsumer; readonly part: Part }[] = [];
  private readonly stopped = new AbortController();
  private stopping: Promise<void> | undefined;

  /** @throws InvalidSaga when two definitions get in each other's way */
  constructor(private readonly ports: SagaEnginePorts) {
    const { store, checkpoints, deadlines, clock = systemClock, log = silent } = ports;
    const settings: SagaSettings = { ...defaultSettings, ...ports.settings };
    this.settings = settings;
    this.clock = clock;
    const concerns = (saga: string) => this.catalogue.has(saga);
    this.log = log;
    this.catalogue = new SagaCatalogue(ports.sagas);
    this.index = ports.index ?? new MemoryInstanceIndex();
    this.live = new LiveInstances(
      store.streams,
      this.catalogue,
      {
        streams: store.streams,
        clock,
        retry: settings.pipelineRetry,
        onAppended: (facts) => alertOf(facts, log),
        onRefused: ({ definition, id }, error) => this.refuse(definition.name, id, error),
      },
      settings.liveInstances,
    );
    this.deliveries = new Deliveries(this.catalogue, this.live);
    this.outbox = new CommandOutbox({
      checkpoints,
      clock,
      log,
      concerns,
      retry: settings.dispatchRetry,
      concurrency: settings.concurrentCommands,
      dispatch: (command) => ports.dispatch(command),
      wasRejected: (saga, id, number) => this.live.use(saga, id, ({ log }) => Promise.resolve(log.wasRejected(number))),
      deliver: (saga, id, input) => this.live.use(saga, id, (instance) => instance.receive(input)),
    });
    const sagas = this.catalogue.names;
    this.alarm = new DeadlineAlarm({ deadlines, clock, log, sagas, fire: (deadline) => this.fire(deadline) });
    this.deadlineIndex = new DeadlineIndex({
      deadlines,
      checkpoints,
      log,
      concerns,
      onSet: (due) => this.alarm.set(due),
    });
    this.instances = new InstanceDesk({
      streams: store.streams,
      index: this.index,
      retry: (saga, id) => this.deliveries.retry(saga, id),
      cancel: (saga, id, reason) => this.live.use(saga, id, (instance) => instance.cancel(reason)),
    });
  }

  /**
   * Begins to work, once it is known that all open instances can go on.
   * @throws SagaVersionMissing
   */
  async start(): Promise<void> {
    if (this.ports.sagas.length === 0) return;
    try {
      await this.checkVersions();
    } catch (error) {
      await this.stop();
      throw error;
    }
    if (this.stopped.signal.aborted) return;
    this.run(this.ports.sagaFeed, { consumer: this.deadlineIndex, stop: () => this.deadlineIndex.stop() });
    this.run(this.ports.sagaFeed, { consumer: this.outbox });
    for (const name of this.catalogue.names) {
      const inputs = this.inputs(name);
      this.run(this.ports.feed, { consumer: inputs, stop: () => inputs.stop() });
    }
    this.alarm.start();
  }

  /**
   * Brings the index of instances up to date and looks whether every open one can go on. `start` does so too; by itself
   * it is for the boot of an engine that will be started later.
   * @throws SagaVersionMissing
   */
  async checkVersions(): Promise<void> {
    if (this.ports.sagas.length === 0) return;
    const indexer = new InstanceIndexer(this.index, (saga) => this.catalogue.has(saga), this.log);
    this.run(this.ports.sagaFeed, { consumer: indexer });
    await this.orStopped(indexer.live);
    if (!this.stopped.signal.aborted) await this.refuseMissingVersions();
  }

  /** Takes no more inputs, lets what is under way end, and saves the checkpoints. */
  stop(): Promise<void> {
    this.stopping ??= this.stopOnce();
    return this.stopping;
  }

  /**
   * Gives a message of another context to the sagas that name its type. Settles when it is stored, and may be repeated:
   * the same message id has its effect once.
   * @throws errors of the event store; deliver it again then
   */
  async deliver({ id, type, data, correlationId, actor }: IntegrationMessage): Promise<void> {
    const input: SagaInput = {
      id,
      source: 'integration',
      event: { type, data },
      correlationId: correlationId ?? id,
      actor,
      traceparent: currentTraceparent(),
    };
    const deliveries = this.catalogue.names.flatMap((saga) => this.deliveries.of(saga, input));
    await Promise.all(deliveries.map(({ deliver }) => deliver()));
  }

  get status(): SagaEngineStatus {
    return {
      consumers: this.running.map(({ consumer }) => consumer.status),
      liveInstances: this.live.size,
      commandsUnderWay: this.outbox.inFlight,
      deadlineProblem: this.alarm.problem,
    };
  }

  private async stopOnce(): Promise<void> {
    this.stopped.abort();
    const drained = new AbortController();
    const drain = this.drain().then(() => drained.abort());
    await Promise.race([drain, this.clock.sleep(this.settings.drainMs, drained.signal)]);
    if (!drained.signal.aborted)
      this.log.warn('Sagas stopped with work under way; it is done again at the next start.', { ...this.status });
  }

  private async drain(): Promise<void> {
    const outboxStopped = this.outbox.stop();
    await Promise.all([this.alarm.stop(), ...this.running.map(({ consumer }) => consumer.stop())]);
    await outboxStopped;
    for (const { part } of this.running) await part.stop?.();
    await this.live.close();
  }

  private run(feed: Pick<EventFeed, 'run'>, part: Part): void {
    this.running.push({ consumer: feed.run(part.consumer), part });
  }

  private async orStopped(work: Promise<void>): Promise<void> {
    const { signal } = this.stopped;
    const stopped = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    if (!signal.aborted) await Promise.race([work, stopped]);
  }

  private async refuseMissingVersions(): Promise<void> {
    for (const { saga, version, count } of await this.index.open())
      if (this.catalogue.has(saga) && !this.catalogue.version(saga, version))
        throw new SagaVersionMissing(saga, version, count);
  }

  private inputs(saga: string): SagaInputs {
    const { checkpoints, store } = this.ports;
    const { startFrom } = this.catalogue.newest(saga);
    return new SagaInputs({
      saga,
      checkpoints,
      log: this.log,
      firstPosition: () => (startFrom === 'now' ? store.streams.headPosition() : Promise.resolve(beginning)),
      route: (event) => this.deliveries.of(saga, domainInput(event)),
    });
  }

  private async fire({ saga, instance: id, kind, number }: StoredDeadline): Promise<void> {
    const known = await this.live.use(saga, id, ({ log }) =>
      Promise.resolve(kind === 'retry' ? log.failing !== undefined : log.openDeadlines.has(number)),
    );
    // Another owner may have set it. It must not be dropped on the word of an old copy.
    if (!known) await this.live.refresh(saga, id);
    await this.live.use(saga, id, (instance) => {
      if (kind === 'retry') return instance.retry();
      const event: DomainEvent = { type: deadlineFired, data: { number } };
      const { correlationId = instance.stream, actor, traceparent } = instance.log.conversation ?? {};
      const inputId = deadlineId(instance.stream, number);
      return instance.receive({ id: inputId, source: 'deadline', event, correlationId, actor, traceparent });
    });
  }

  private refuse(saga: string, id: string, error: Error): void {
    this.live
      .use(saga, id, (instance) => instance.failOutside(error))
      .catch((failure: unknown) =>
        this.log.error(`${sagaStream(saga, id)} could not be stopped for: ${error.message}`, {
          error: String(failure),
        }),
      );
  }
}

/** The prefixes that the feed of the sagas' own streams must have. */
export const sagaFeedPrefixes = (sagas: readonly SagaDefinition[]): string[] => [
  ...new Set(sagas.map(({ name }) => sagaPrefix(name))),
];

const domainInput = ({ event, at }: RecordedEvent): SagaInput => ({
  id: at.id,
  source: 'event',
  event,
  correlationId: at.correlationId,
  actor: at.actor,
  traceparent: at.traceparent,
});
