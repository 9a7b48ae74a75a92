/**
 * The instances that are alive in this process: one user at a time each, a bounded number of them, loaded from their
 * streams when they are needed. The expected revision of each append is what keeps two owners apart; whoever loses
 * throws his copy away and looks again.
 */
import { fullJitterMs, pause, type Backoff } from '@annals/core';
import { WrongExpectedRevision, type Streams } from '@annals/event-store';
import { SagaContended, SagaVersionMissing } from './errors.js';
import { InstanceLog } from './instance-log.js';
import { Lanes } from './lanes.js';
import { SagaInstance, type InstanceSettings } from './saga-instance.js';
import type { SagaCatalogue } from './saga-definition.js';
import { sagaStream } from './saga-events.js';

const conflictBackoff: Backoff = { firstMs: 10, maxMs: 500 };
const maxAttempts = 6;

export class LiveInstances {
  private readonly lanes = new Lanes();
  /** In the order of their last use. */
  private readonly alive = new Map<string, SagaInstance>();

  constructor(
    private readonly streams: Pick<Streams, 'append' | 'readToEnd'>,
    private readonly catalogue: SagaCatalogue,
    private readonly settings: InstanceSettings,
    private readonly capacity: number,
  ) {}

  get size(): number {
    return this.alive.size;
  }

  /**
   * Lets `work` use an instance, after everybody who asked before.
   * @param assumeNew work that appends to an instance that is not alive here is first tried on an empty one, without
   * reading its stream; the expected revision tells when that was wrong
   * @throws SagaContended; errors of the event store and of `work`
   */
  use<Result>(
    saga: string,
    id: string,
    work: (instance: SagaInstance) => Promise<Result>,
    assumeNew = false,
  ): Promise<Result> {
    const stream = sagaStream(saga, id);
    return this.lanes.run(stream, async () => {
      for (let attempt = 1; ; attempt++) {
        const alive = this.take(stream);
        const guessed = !alive && assumeNew && attempt === 1;
        try {
          const instance = alive ?? (guessed ? this.create(saga, id) : await this.load(saga, id, stream));
          const result = await work(instance);
          this.keep(stream, instance);
          return result;
        } catch (error) {
          this.drop(stream);
          if (!(error instanceof WrongExpectedRevision)) throw error;
          if (attempt === maxAttempts) throw new SagaContended(stream, attempt, { cause: error });
          if (!guessed) await pause(fullJitterMs(attempt, conflictBackoff));
        }
      }
    });
  }

  /** Has the instance read again by its next user: somebody else may have appended to its stream. */
  refresh(saga: string, id: string): Promise<void> {
    const stream = sagaStream(saga, id);
    return this.lanes.run(stream, () => Promise.resolve(this.drop(stream)));
  }

  /** Settles when nobody uses an instance any more; then lets go of all. */
  async close(): Promise<void> {
    await this.lanes.idle();
    for (const stream of [...this.alive.keys()]) this.drop(stream);
  }

  private create(saga: string, id: string): SagaInstance {
    return new SagaInstance(this.catalogue.newest(saga), id, new InstanceLog(), this.settings);
  }

  private async load(saga: string, id: string, stream: string): Promise<SagaInstance> {
    const log = InstanceLog.of(await this.streams.readToEnd(stream));
    if (log.version === undefined) return this.create(saga, id);
    const definition = this.catalogue.version(saga, log.version);
    if (!definition) throw new SagaVersionMissing(saga, log.version, 1);
    return new SagaInstance(definition, id, log, this.settings);
  }

  private take(stream: string): SagaInstance | undefined {
    const instance = this.alive.get(stream);
    // Moves it to the end of the order.
    if (instance && this.alive.delete(stream)) this.alive.set(stream, instance);
    return instance;
  }

  private keep(stream: string, instance: SagaInstance): void {
    // One that does not exist yet holds nothing worth keeping.
    if (!instance.log.started) return this.drop(stream, instance);
    if (instance.log.ended?.closed) instance.sleep();
    this.alive.set(stream, instance);
    for (const [other, oldest] of this.alive) {
      if (this.alive.size <= this.capacity) return;
      if (!this.lanes.isBusy(other)) this.drop(other, oldest);
    }
  }

  private drop(stream: string, instance = this.alive.get(stream)): void {
    instance?.sleep();
    this.alive.delete(stream);
  }
}
