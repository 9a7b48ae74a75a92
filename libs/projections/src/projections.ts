/**
 * The read models of a context, all together: kept up to date while started, and looked after whether started or not.
 * Framework-free; the app and the CLI use the same.
 */
import { fullJitterMs, pause, silent, type Log } from '@annals/core';
import type { EventFeed, EventStore } from '@annals/event-store';
import { createBookkeeping } from './bookkeeping.js';
import { announceCancellation, cancelChannel, Cancellations } from './building/cancellations.js';
import { prepare } from './building/prepare.js';
import {
  discardUnfinished,
  rebuild,
  rollback,
  type BuildSurroundings,
  type RebuildOptions,
  type Rebuilt,
} from './building/rebuild.js';
import { announceChange } from './building/swap.js';
import { verify, type Verification } from './building/verify.js';
import { InvalidReadModel, NothingToCancel, RebuildCancelled, RebuildInProgress, UnknownReadModel } from './errors.js';
import { listParked, retryParked, showParked, type ParkedKey, type RetryOutcome } from './parking/parked.js';
import type { ReadDatabase } from './read-database.js';
import type { AnyReadModel } from './read-model.js';
import { rowShape, type RowShape } from './rows/row-shape.js';
import type { RetryPolicy } from './rows/row-fold.js';
import { Positions, type WaitOptions } from './running/positions.js';
import { ProjectionRunner } from './running/projection-runner.js';
import { controlChannel, Session, type Lease } from './running/session.js';
import { statusOf, type ProjectionStatus } from './running/status.js';

export interface ProjectionsOptions {
  readonly database: ReadDatabase;
  /** The context's bounded context name, for what it is called in Postgres. */
  readonly context: string;
  readonly feed: EventFeed;
  readonly store: EventStore;
  readonly readModels: readonly AnyReadModel[];
  readonly log?: Log;
  /** How often a handler that throws is tried before its event is parked; default 3 times within about 100 ms. */
  readonly retry?: RetryPolicy;
  /** Rows of a read model kept in memory, about; default 20,000. */
  readonly cachedRows?: number;
}

const defaultRetry: RetryPolicy = { attempts: 3, backoff: { firstMs: 20, maxMs: 200 } };
const buildBackoff = { firstMs: 500, maxMs: 10_000 };

export class Projections {
  readonly parked: {
    /** The first event of each key that stands still. */
    list(name?: string): Promise<ParkedKey[]>;
    /** All events of a key that stands still, by the id of its first one. @throws NotParked */
    show(name: string, id: string): Promise<{ head: ParkedKey; behind: ParkedKey['recorded'][] }>;
    /** Folds them again, in order, up to the first that fails. @throws NotParked */
    retry(name: string, id: string): Promise<RetryOutcome>;
    /** Passes over this event for good, and folds those behind it. @throws NotParked */
    skip(name: string, id: string): Promise<RetryOutcome>;
  };
  private readonly models: ReadonlyMap<string, AnyReadModel>;
  private readonly log: Log;
  private readonly stopping = new AbortController();
  private readonly cancellations = new Cancellations();
  private readonly positions: Positions;
  private readonly session: Session;
  private readonly runners: ProjectionRunner[] = [];
  private readonly work = new Set<Promise<unknown>>();
  private readonly surroundings: BuildSurroundings;
  private shapes: Promise<ReadonlyMap<string, RowShape>> | undefined;

  /** @throws InvalidReadModel when two have the same name or the same table */
  constructor(private readonly options: ProjectionsOptions) {
    const { database, feed, store, readModels, log = silent, retry = defaultRetry, cachedRows = 20_000 } = options;
    this.models = new Map(readModels.map((model) => [model.name, model]));
    const twice = readModels.find((model) => this.models.get(model.name) !== model);
    if (twice) throw new InvalidReadModel(twice.name, 'another read model of the context has the same name.');
    const sharing = readModels.find((model) => readModels.some((one) => one !== model && one.entity === model.entity));
    if (sharing)
      throw new InvalidReadModel(
        sharing.name,
        `another one has the entity ${sharing.entity.name} too; a table has one writer.`,
      );
    this.log = log;
    this.positions = new Positions(database.pool);
    this.surroundings = { database, feed, store, retry, cachedRows, log };
    this.session = new Session({
      url: database.url,
      context: options.context,
      log,
      onNotification: (channel, payload) => this.hear(channel, payload),
      onConnected: () => this.reload(),
    });
    this.parked = {
      list: (name) => this.listParked(name),
      show: async (name, id) => showParked(database.pool, await this.ready(name), id),
      retry: (name, id) => this.retryParked(name, id, false),
      skip: (name, id) => this.retryParked(name, id, true),
    };
  }

  /**
   * Makes what is missing in the database and begins to fold, in the background; a version that is new here is built
   * beside the one that is served. Queries can be made when it resolves.
   * @throws EntityChanged, NameTaken
   */
  async start(): Promise<void> {
    const shapes = await this.prepareDatabase();
    const { database, feed } = this.options;
    const toBuild: AnyReadModel[] = [];
    for (const model of this.models.values()) {
      const shape = shapeOf(shapes, model);
      if ((await prepare(database.pool, database.url, model, shape)).mustBuild) toBuild.push(model);
      for (let partition = 0; partition < model.partitions; partition++) {
        const { positions, log } = this;
        const { retry, cachedRows } = this.surroundings;
        this.runners.push(
          new ProjectionRunner({
            pool: database.pool,
            feed,
            model,
            shape,
            partition,
            positions,
            retry,
            cachedRows,
            log,
          }),
        );
      }
    }
    for (const runner of this.runners) this.session.want(runner);
    await this.session.start();
    for (const model of toBuild) void this.track(this.buildInBackground(model));
  }

  /** Finishes the batches in hand, lets go of the leases, and leaves unfinished builds for the next start. */
  async stop(): Promise<void> {
    this.stopping.abort();
    this.positions.forgetAll();
    await this.session.stop();
    await Promise.allSettled([...this.work]);
  }

  /** All read models, or the one of this name. @throws UnknownReadModel */
  async status(name?: string): Promise<ProjectionStatus[]> {
    const models = name === undefined ? [...this.models.values()] : [this.model(name)];
    await this.prepareDatabase();
    // Without the event store there is still much to tell; only `behind` cannot be.
    const head = await this.options.store.streams.headPosition().catch(() => undefined);
    return statusOf(this.options.database.pool, models, head);
  }

  /**
   * Waits until queries of the read model reflect everything up to `position`; told, not polled, across processes too.
   * @returns false when it does not within `timeoutMs` (default 5,000), or `signal` is aborted
   * @throws UnknownReadModel
   */
  async waitFor(name: string, position: bigint, options: WaitOptions = {}): Promise<boolean> {
    const model = this.model(name);
    // Not awaited: what is told before it listens is looked up when it does (`onConnected`).
    void this.session.start();
    return this.positions.wait(model, position, options);
  }

  /** Waits for all read models of the context, see {@link waitFor}. */
  async waitForAll(position: bigint, options: WaitOptions = {}): Promise<boolean> {
    const waits = [...this.models.keys()].map((name) => this.waitFor(name, position, options));
    return (await Promise.all(waits)).every(Boolean);
  }

  /**
   * Builds the table anew from the events, beside the one that is served, and puts it in its place. Continues a rebuild
   * that was interrupted; two at once on one read model are refused.
   * @throws RebuildInProgress, RebuildCancelled, UnknownReadModel
   */
  async rebuild(name: string, options: RebuildOptions = {}): Promise<Rebuilt> {
    const model = await this.ready(name);
    const shape = await this.shapeOf(model);
    // Not awaited: it hears when somebody elsewhere cancels (`cancelRebuild`).
    void this.session.start();
    const cancelled = this.cancellations.signalFor(name);
    const signal = options.signal ? AbortSignal.any([options.signal, cancelled]) : cancelled;
    return this.track(rebuild(this.surroundings, model, shape, { ...options, signal }, this.stopping.signal));
  }

  /**
   * Asks for the end of the rebuild under way, whichever process runs it, and drops what it has built; queries go on with
   * what they had. The build of a new version begins anew when an app of that version starts, or by {@link rebuild}.
   * @throws NothingToCancel, UnknownReadModel
   */
  async cancelRebuild(name: string): Promise<void> {
    const model = await this.ready(name);
    const { database } = this.options;
    const [status] = await this.status(name);
    if (status?.rebuild === undefined) throw new NothingToCancel(name);
    await announceCancellation(database.pool, name);
    this.cancellations.cancel(name);
    try {
      await this.track(discardUnfinished(database, model, this.stopping.signal));
    } catch (error) {
      // Whoever is at it has been told, and drops it.
      if (!(error instanceof RebuildInProgress)) throw error;
    }
  }

  /** Serves the build before the present one again. @throws NothingToRollBackTo, RebuildInProgress, UnknownReadModel */
  async rollback(name: string): Promise<void> {
    const model = await this.ready(name);
    return this.track(rollback(this.surroundings, model, await this.shapeOf(model), this.stopping.signal));
  }

  /**
   * Folds all events again into a shadow and compares with what is served.
   * @returns undefined when nothing is served yet that this version built
   * @throws RebuildInProgress, RebuildCancelled, UnknownReadModel
   */
  async verify(name: string, options: RebuildOptions = {}): Promise<Verification | undefined> {
    const model = await this.ready(name);
    const shape = await this.shapeOf(model);
    void this.session.start();
    return this.track(verify(this.surroundings, this.positions, model, shape, options, this.stopping.signal));
  }

  /** Stops folding until {@link resume}, in all instances and across restarts. @throws UnknownReadModel */
  pause(name: string): Promise<void> {
    return this.setPaused(name, true);
  }

  /** @throws UnknownReadModel */
  resume(name: string): Promise<void> {
    return this.setPaused(name, false);
  }

  /**
   * Leases of the same kind for other work that one instance at a time should do (G10): shared among the instances
   * together with the read models' own, and moved to another instance in under 5 s when this one is gone.
   */
  want(lease: Lease): void {
    this.session.want(lease);
  }

  private async setPaused(name: string, paused: boolean): Promise<void> {
    const model = await this.ready(name);
    const { pool } = this.options.database;
    await pool.query('update annals.read_model set paused = $3 where name = $1 and version = $2', [
      ...[model.name, model.version],
      paused,
    ]);
    await announceChange(pool, model.name);
  }

  private async listParked(name?: string): Promise<ParkedKey[]> {
    const models = name === undefined ? [...this.models.values()] : [this.model(name)];
    await this.prepareDatabase();
    const lists = await Promise.all(models.map((model) => listParked(this.options.database.pool, model)));
    return lists.flat();
  }

  private async retryParked(name: string, id: string, skip: boolean): Promise<RetryOutcome> {
    const model = await this.ready(name);
    const { pool } = this.options.database;
    return retryParked({ pool, log: this.log }, model, await this.shapeOf(model), id, skip);
  }

  /** A new version, or a rebuild that was interrupted: another instance may be at it already, then it is theirs. */
  private async buildInBackground(model: AnyReadModel): Promise<void> {
    const signal = AbortSignal.any([this.stopping.signal, this.cancellations.signalFor(model.name)]);
    for (let attempt = 1; !signal.aborted; attempt++) {
      try {
        this.log.info(`Building version ${model.version} of ${model.name} beside the one that is served`);
        const { events, parkedScopes } = await this.rebuild(model.name);
        return this.log.info(`Version ${model.version} of ${model.name} is served now`, { events, parkedScopes });
      } catch (error) {
        if (error instanceof RebuildCancelled) this.log.info(error.message);
        if (signal.aborted) return;
        if (!(error instanceof RebuildInProgress))
          this.log.warn(`${model.name} could not be built yet: ${String(error)}`);
        await pause(fullJitterMs(attempt, buildBackoff), signal);
        if (!(await this.stillToBuild(model))) return;
      }
    }
  }

  private async stillToBuild(model: AnyReadModel): Promise<boolean> {
    const [status] = await this.status(model.name);
    return status?.rebuild !== undefined || status?.servedVersion !== model.version;
  }

  private hear(channel: string, payload: string): void {
    if (channel === controlChannel) this.reload(payload);
    else if (channel === cancelChannel) this.cancellations.cancel(payload);
    else this.positions.told(payload);
  }

  private reload(name?: string): void {
    if (name === undefined) this.positions.forgetAll();
    else this.positions.forget(name);
    for (const runner of this.runners) if (name === undefined || runner.readModel === name) runner.reload();
  }

  private model(name: string): AnyReadModel {
    const model = this.models.get(name);
    if (!model) throw new UnknownReadModel(name, [...this.models.keys()]);
    return model;
  }

  private async ready(name: string): Promise<AnyReadModel> {
    const model = this.model(name);
    await this.prepareDatabase();
    return model;
  }

  private async shapeOf(model: AnyReadModel): Promise<RowShape> {
    return shapeOf(await this.prepareDatabase(), model);
  }

  /** Once: the entities' shapes, and the bookkeeping in the database. */
  private prepareDatabase(): Promise<ReadonlyMap<string, RowShape>> {
    const read = async () => {
      const shapes = await Promise.all(
        [...this.models.values()].map(async (model) => [model.name, await rowShape(model)] as const),
      );
      await createBookkeeping(this.options.database.pool);
      return new Map(shapes);
    };
    this.shapes ??= read().catch((error: unknown) => {
      this.shapes = undefined;
      throw error;
    });
    return this.shapes;
  }

  private track<Result>(work: Promise<Result>): Promise<Result> {
    const tracked = work.finally(() => this.work.delete(tracked));
    this.work.add(tracked);
    return tracked;
  }
}

function shapeOf(shapes: ReadonlyMap<string, RowShape>, { name }: AnyReadModel): RowShape {
  const shape = shapes.get(name);
  if (!shape) throw new UnknownReadModel(name, [...shapes.keys()]);
  return shape;
}
