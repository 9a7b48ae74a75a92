/**
 * Starts what runs beside the requests (projections, publisher, sagas) when the app is up, says whether it works, and
 * stops it in an orderly way (G12):
 *
 *   SIGTERM ─▶ not ready, no more messages and saga inputs ─▶ HTTP drains ─▶ projections and publisher finish their batch
 *   and checkpoint ─▶ connections close
 */
import { EventRegistry, pause } from '@annals/core';
import { EventStore, type EventFeed, type FeedStatus } from '@annals/event-store';
import {
  contractOf,
  IntegrationServer,
  type Leases,
  type ReceivedMessage,
  type Transport,
  type TransportStatus,
} from '@annals/messaging';
import { PostgresCheckpoints, Projections, type ReadDatabase } from '@annals/projections';
import {
  durableSagasOf,
  PostgresDeadlineStore,
  PostgresInstanceIndex,
  SagaEngine,
  sagaFeedPrefixes,
  type SagaDefinition,
} from '@annals/sagas';
import {
  Inject,
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { Reactors } from './commands/reactors.js';
import { CONTEXT_MAP, eventOwners, type ContextMap } from './context-map.js';
import { READ_DATABASE, TELEMETRY, TRANSPORT } from './context-parts.js';
import { DomainCommandBus } from './domain-command-bus.js';
import { JointLease } from './exchange/joint-lease.js';
import { LeasedPublisher } from './exchange/leased-publisher.js';
import { nestLog } from './nest-log.js';
import type { Telemetry } from './observability/telemetry.js';
import { SagaOwner } from './sagas/saga-owner.js';

/** How often a starting context asks whether its read models have caught up. */
const caughtUpPollMs = 200;

@Injectable()
export class ContextRuntime
  implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown
{
  /** The context's side of the exchange of messages, for `app.connectMicroservice`. */
  readonly integration: IntegrationServer;
  readonly projections: Projections;
  readonly reactors: Reactors;
  /** Of a context that publishes. */
  readonly publisher: LeasedPublisher | undefined;
  private owner: SagaOwner | undefined;
  private readonly feed: EventFeed;
  private readonly checkpoints: PostgresCheckpoints;
  /** Sagas and messages go to one instance together; without sagas each source of messages goes by itself. */
  private readonly messageLeases: Leases;
  private readonly log = nestLog('Context');
  private readonly stopping = new AbortController();
  private readModelsCaughtUp = false;
  private state: 'starting' | 'running' | 'stopping' = 'starting';

  constructor(
    @Inject(CONTEXT_MAP) private readonly map: ContextMap,
    @Inject(READ_DATABASE) private readonly database: ReadDatabase,
    @Inject(TRANSPORT) private readonly transport: Transport,
    @Inject(TELEMETRY) private readonly telemetry: Telemetry,
    private readonly store: EventStore,
    private readonly commands: DomainCommandBus,
    private readonly modules: ModuleRef,
  ) {
    const owners = eventOwners(map);
    this.feed = store.feed(
      owners.map(({ category }) => `${category}-`),
      { schemas: new EventRegistry(owners).schemas },
    );
    this.reactors = new Reactors({
      reactors: map.reactors ?? [],
      aggregates: map.aggregates ?? [],
      feed: this.feed,
      pool: database.pool,
      resolve: (handler) => modules.get(handler, { strict: false }),
      log: nestLog('Reactors'),
    });
    this.checkpoints = new PostgresCheckpoints(database);
    this.projections = new Projections({
      context: map.name,
      database,
      feed: this.feed,
      store,
      readModels: map.readModels ?? [],
      log: nestLog('Projections'),
    });
    const { projections } = this;
    this.messageLeases = map.sagas?.length ? new JointLease(projections, 'sagas and messages') : projections;
    this.integration = new IntegrationServer({
      context: map.name,
      transport,
      leases: this.messageLeases,
      log: nestLog('Messaging'),
    });
    if (map.publishes?.length)
      this.publisher = new LeasedPublisher({
        context: map.name,
        publications: map.publishes,
        transport,
        feed: this.feed,
        checkpoints: this.checkpoints,
        pool: database.pool,
        leases: projections,
        log: nestLog('Publisher'),
      });
  }

  /** Of a context with durable sagas. */
  get sagas(): SagaOwner | undefined {
    return this.owner;
  }

  onModuleInit(): void {
    for (const consumption of this.map.consumes ?? [])
      this.integration.consume(consumption, (command) => this.commands.execute(command));
    const definitions = (this.map.sagas ?? []).flatMap((saga) => durableSagasOf(this.modules.get<object>(saga)));
    if (definitions.length > 0) this.owner = this.ownerOf(definitions);
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.projections.start();
    await this.reactors.start();
    await this.sagas?.start(this.messageLeases);
    await this.publisher?.start();
    this.state = 'running';
    void this.awaitReadModels();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.state = 'stopping';
    this.stopping.abort();
    await this.integration.close();
    await this.sagas?.stop();
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([this.projections.stop(), this.reactors.stop(), this.publisher?.stop()]);
    await this.store.close();
    await this.transport.close();
    await this.database.close();
    await this.telemetry.stop();
  }

  /** Everything that runs beside the requests was started, and nothing was asked to end. */
  get isRunning(): boolean {
    return this.state === 'running';
  }

  /** Whether the read models have folded, at least once since the start, all that there was. */
  get caughtUp(): boolean {
    return this.readModelsCaughtUp;
  }

  get feedStatus(): FeedStatus {
    return this.feed.status;
  }

  /** Undefined for a context that neither publishes nor consumes: it needs nobody. */
  get messagingStatus(): TransportStatus | undefined {
    const isNeeded = this.integration.handledTypes().length > 0 || this.publisher !== undefined;
    return isNeeded ? this.transport.status() : undefined;
  }

  /** @throws EventStoreUnavailable */
  async pingEventStore(): Promise<void> {
    await this.store.streams.headPosition();
  }

  /** @throws what Postgres or the connection says */
  async pingDatabase(): Promise<void> {
    await this.database.pool.query('select 1');
  }

  /** A new database, or one that was away for long: queries would show an old world, so the context is not ready before. */
  private async awaitReadModels(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted && !this.readModelsCaughtUp) {
      try {
        const states = (await this.projections.status()).map(({ state }) => state);
        this.readModelsCaughtUp = states.every((state) => state !== 'catching-up' && state !== 'unknown');
      } catch (error) {
        this.log.warn('Where the read models are is not known; asking again.', { error });
      }
      if (!this.readModelsCaughtUp) await pause(caughtUpPollMs, signal);
    }
  }

  private ownerOf(sagas: readonly SagaDefinition[]): SagaOwner {
    const log = nestLog('Sagas');
    const sagaFeed = this.store.feed(sagaFeedPrefixes(sagas));
    const deadlines = new PostgresDeadlineStore(this.database.pool);
    const index = new PostgresInstanceIndex(this.database.pool);
    const create = () =>
      new SagaEngine({
        store: this.store,
        feed: this.feed,
        sagaFeed,
        sagas,
        checkpoints: this.checkpoints,
        deadlines,
        index,
        dispatch: (command) => this.commands.execute(command),
        log,
      });
    const owner = new SagaOwner(create, log);
    for (const contract of foreignEvents(sagas))
      this.integration.handle({ contract }, (message) => deliver(owner, message));
    return owner;
  }
}

/** The integration events that sagas listen to. */
const foreignEvents = (sagas: readonly SagaDefinition[]) =>
  [...new Set(sagas.flatMap(({ on }) => [...(on ?? [])]))].flatMap((type) => contractOf(type) ?? []);

const deliver = (sagas: SagaOwner, { id, event, correlationId, actor }: ReceivedMessage): Promise<void> =>
  sagas.deliver({ id, type: event.type, data: event.data, correlationId, actor });
