/**
 * A small world on virtual time: a shop's orders with the sagas under test, and other contexts that answer commands with
 * events. It carries each command out once, by its id, as deciders do (G3), and remembers how often it was asked.
 */
import type { DomainCommand, DomainEvent, Log } from '@annals/core';
import { MemoryDeadlineStore } from '../src/deadline-store.js';
import type { SagaDefinition } from '../src/saga-definition.js';
import { SagaEngine, sagaFeedPrefixes } from '../src/saga-engine.js';
import type { SagaEnginePorts, SagaSettings } from '../src/saga-engine-ports.js';
import { MemoryCheckpoints, MemoryEventStore } from './memory-event-store.js';
import { until, VirtualClock } from './virtual-clock.js';

/** What a command leads to: events, nothing, or an error. */
export type Answer = (command: DomainCommand) => DomainEvent | undefined | Promise<DomainEvent | undefined>;

export class SagaWorld {
  readonly store = new MemoryEventStore();
  readonly clock = new VirtualClock();
  readonly checkpoints = new MemoryCheckpoints();
  readonly deadlines = new MemoryDeadlineStore();
  /** Commands carried out, once each. */
  readonly effects: DomainCommand[] = [];
  /** Every call of dispatch. */
  readonly attempts: DomainCommand[] = [];
  readonly logged: string[] = [];
  answers: Readonly<Record<string, Answer>> = {};
  private readonly carriedOut = new Map<string, Promise<void>>();

  constructor(private readonly sagas: readonly SagaDefinition[]) {}

  get log(): Log {
    const write = (level: string) => (message: string) => void this.logged.push(`${level}: ${message}`);
    return { info: write('info'), warn: write('warn'), error: write('error') };
  }

  /** An engine on what is stored here; more than one after another, or beside each other. */
  engine(change: Partial<SagaEnginePorts> = {}, settings: Partial<SagaSettings> = {}): SagaEngine {
    const sagas = change.sagas ?? this.sagas;
    return new SagaEngine({
      store: this.store,
      feed: this.store.feed(['order-']),
      sagaFeed: this.store.feed(sagaFeedPrefixes(sagas)),
      sagas,
      checkpoints: this.checkpoints,
      deadlines: this.deadlines,
      dispatch: (command) => this.dispatch(command),
      clock: this.clock,
      log: this.log,
      settings,
      ...change,
    });
  }

  dispatch(command: DomainCommand): Promise<void> {
    this.attempts.push(command);
    const { id = '' } = command.metadata;
    const carriedOut = this.carriedOut.get(id) ?? this.carryOut(command);
    this.carriedOut.set(id, carriedOut);
    // What failed may be asked for again.
    return carriedOut.catch((error: unknown) => {
      this.carriedOut.delete(id);
      throw error;
    });
  }

  private async carryOut(command: DomainCommand): Promise<void> {
    const event = await this.answers[command.type]?.(command);
    this.effects.push(command);
    const { orderId } = command.data as { orderId: string };
    if (event) this.store.record(`order-${orderId}`, event, command.metadata.correlationId);
  }

  happens(event: DomainEvent, correlationId?: string): void {
    this.store.record(`order-${(event.data as { orderId: string }).orderId}`, event, correlationId);
  }

  /** Everything stored of the sagas' streams, as types. */
  stored(stream: string): string[] {
    return this.store.all.filter(({ at }) => at.stream === stream).map(({ event }) => event.type);
  }

  effectTypes(): string[] {
    return this.effects.map(({ type }) => type);
  }

  async untilEffects(...types: string[]): Promise<void> {
    const wanted = JSON.stringify(types);
    await until(
      () => JSON.stringify(this.effectTypes()) === wanted,
      `${wanted} (there is ${this.effectTypes().join()})`,
    );
  }

  /** Advances in steps until `condition` holds. */
  async advanceUntil(condition: () => boolean | Promise<boolean>, stepMs = 1_000, maxSteps = 500): Promise<void> {
    for (let step = 0; step < maxSteps; step++) {
      if (await condition()) return;
      this.clock.advance(stepMs);
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    }
    throw new Error(`It did not come to that in ${maxSteps * stepMs} ms of virtual time.`);
  }
}
