/**
 * What is measured of a context when somebody asks: where its read models are, what waits, what stands still, whether its
 * parts are there. What cannot be told (a part is down) is left out, and everything else is told.
 */
import { isMeasuring, pause, type Log } from '@annals/core';
import type { Transport } from '@annals/messaging';
import { PostgresInstanceIndex } from '@annals/sagas';
import type { ReadDatabase } from '@annals/projections';
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { metrics, type BatchObservableResult, type MetricOptions, type ObservableGauge } from '@opentelemetry/api';
import { CONTEXT_MAP, type ContextMap } from '../context-map.js';
import { READ_DATABASE, TRANSPORT } from '../context-parts.js';
import { ContextRuntime } from '../context-runtime.js';
import { nestLog } from '../nest-log.js';

const described = {
  'annals.projection.lag': ['s', 'How old the rows of a read model are.'],
  'annals.projection.behind': ['{event}', 'About how many events a read model has not folded yet.'],
  'annals.projection.rate': ['{event}/s', 'How fast a read model catches up; 0 when it is live.'],
  'annals.projection.parked': ['{key}', 'Keys of a read model that stand still behind an event that cannot be folded.'],
  'annals.projection.state': ['', '1 for the state that a read model is in.'],
  'annals.reactor.parked': ['{event}', 'Events that wait because a reactor cannot deal with them, or with one before.'],
  'annals.outbox.lag': ['s', 'How long the oldest event that is not published yet has waited.'],
  'annals.outbox.parked': ['{stream}', 'Streams that stand still behind an event that cannot be published.'],
  'annals.dead_letters': [
    '{message}',
    'Messages that the context could not deal with, and nobody has dealt with since.',
  ],
  'annals.saga.instances': ['{instance}', 'Sagas that have not ended, by state.'],
  'annals.saga.commands_under_way': ['{command}', 'Commands of sagas that have no outcome yet.'],
  'annals.event_store.connected': ['', '1 while events come from the event store.'],
  'annals.messaging.connected': ['', '1 while the transport of messages is connected.'],
} as const satisfies Record<string, readonly [unit: string, description: string]>;

const toldWithinMs = 1_000;

type Name = keyof typeof described;
type Observe = (name: Name, value: number, labels?: Record<string, string>) => void;

@Injectable()
export class ContextMetrics implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly log: Log = nestLog('Metrics');
  private readonly sagas: PostgresInstanceIndex;
  private stop: () => void = () => undefined;
  /** What could not be told when it was asked for last: said once. */
  private readonly untold = new Set<string>();

  constructor(
    @Inject(CONTEXT_MAP) private readonly map: ContextMap,
    @Inject(READ_DATABASE) database: ReadDatabase,
    @Inject(TRANSPORT) private readonly transport: Transport,
    private readonly runtime: ContextRuntime,
  ) {
    this.sagas = new PostgresInstanceIndex(database.pool);
  }

  onApplicationBootstrap(): void {
    if (!isMeasuring()) return;
    const meter = metrics.getMeter('annals');
    const gauges = new Map<Name, ObservableGauge>();
    for (const [name, [unit, description]] of Object.entries(described)) {
      const options: MetricOptions = { description, ...(unit !== '' && { unit }) };
      gauges.set(name as Name, meter.createObservableGauge(name, options));
    }
    const observe = (result: BatchObservableResult) => this.observe(result, gauges);
    meter.addBatchObservableCallback(observe, [...gauges.values()]);
    this.stop = () => meter.removeBatchObservableCallback(observe, [...gauges.values()]);
  }

  onApplicationShutdown(): void {
    this.stop();
  }

  private async observe(result: BatchObservableResult, gauges: ReadonlyMap<Name, ObservableGauge>): Promise<void> {
    const tell: Observe = (name, value, labels = {}) => {
      const gauge = gauges.get(name);
      if (gauge) result.observe(gauge, value, { context: this.map.name, ...labels });
    };
    this.tellConnections(tell);
    await Promise.all([
      this.unless('projections', this.tellProjections(tell)),
      this.unless('reactors', this.tellReactors(tell)),
      this.unless('sagas', this.tellSagas(tell)),
      this.unless('outbox', this.tellOutbox(tell)),
      this.unless('dead letters', this.tellDeadLetters(tell)),
    ]);
  }

  private tellConnections(tell: Observe): void {
    tell('annals.event_store.connected', this.runtime.feedStatus.connected ? 1 : 0);
    tell('annals.messaging.connected', this.transport.status().connected ? 1 : 0);
  }

  private async tellOutbox(tell: Observe): Promise<void> {
    const { publisher } = this.runtime;
    if (!publisher) return;
    if (publisher.lagMs !== undefined) tell('annals.outbox.lag', publisher.lagMs / 1_000);
    tell('annals.outbox.parked', (await publisher.parked.list()).length);
  }

  private async tellProjections(tell: Observe): Promise<void> {
    for (const status of await this.runtime.projections.status()) {
      const labels = { read_model: status.name };
      tell('annals.projection.lag', status.lagMs / 1_000, labels);
      tell('annals.projection.behind', status.behind, labels);
      tell('annals.projection.rate', status.eventsPerSecond, labels);
      tell('annals.projection.parked', status.parked, labels);
      tell('annals.projection.state', 1, { ...labels, state: status.state });
    }
  }

  private async tellReactors(tell: Observe): Promise<void> {
    for (const { name } of this.map.reactors ?? [])
      tell('annals.reactor.parked', (await this.runtime.reactors.parked(name)).length, { reactor: name });
  }

  private async tellSagas(tell: Observe): Promise<void> {
    const { sagas } = this.runtime;
    if (!sagas) return;
    if (sagas.status) tell('annals.saga.commands_under_way', sagas.status.commandsUnderWay);
    for (const { saga, state, count } of await this.sagas.openByState())
      tell('annals.saga.instances', count, { saga, state });
  }

  private async tellDeadLetters(tell: Observe): Promise<void> {
    tell('annals.dead_letters', await this.transport.deadLetters.count(this.map.name));
  }

  /** A part that is away must not hold up the rest: Prometheus waits a few seconds for all of it. */
  private async unless(what: string, telling: Promise<void>): Promise<void> {
    const told = new AbortController();
    const late = pause(toldWithinMs, told.signal).then(() => {
      if (!told.signal.aborted) throw new Error(`not told within ${toldWithinMs} ms`);
    });
    try {
      await Promise.race([telling, late]).finally(() => told.abort());
      this.untold.delete(what);
    } catch (error) {
      if (!this.untold.has(what))
        this.log.warn(`The metrics of ${what} are left out until they can be told.`, { error });
      this.untold.add(what);
    }
  }
}
