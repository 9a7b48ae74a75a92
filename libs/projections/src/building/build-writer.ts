/**
 * Writes one part of one build: folds events in memory and commits what changed together with the checkpoint.
 *
 *   fold(events) … fold(events) ──commit──▶ one statement: rows, parked events, checkpoint
 *
 * Whoever opens it takes the part over: the epoch grows, and everybody who held it before is fenced. After any error of
 * `commit` the writer is void; open a new one, which begins at the checkpoint.
 */
import type { RecordedEvent } from '@annals/event-store';
import pg from 'pg';
import { inTransaction, type Queryable } from '../bookkeeping.js';
import { Fenced } from '../errors.js';
import { isOutage } from '../postgres-errors.js';
import type { AnyReadModel, SqlTransaction } from '../read-model.js';
import { BuildTable, type BuildPart, type Move } from '../rows/build-table.js';
import { RowCache } from '../rows/row-cache.js';
import { keyScope, RowFold, streamScope, type ParkedEvent, type RetryPolicy } from '../rows/row-fold.js';
import type { KeyOfRow, RowShape } from '../rows/row-shape.js';
import type { Build } from './builds.js';

export interface WriterOptions {
  /** A pool; or a connection in a transaction, for what has to be part of it. */
  readonly db: pg.Pool | pg.PoolClient;
  readonly model: AnyReadModel;
  readonly shape: RowShape;
  readonly build: Build;
  /** Whose checkpoint it moves. */
  readonly partition: number;
  /** Which keys it folds, of the event at this position; default: all. */
  readonly accepts?: ((id: string, position: bigint) => boolean) | undefined;
  readonly owner: string;
  readonly retry: RetryPolicy;
  /** How many rows are kept in memory, about. */
  readonly cachedRows: number;
  readonly onParked?: (parked: ParkedEvent) => void;
}

interface Checkpoint {
  readonly position: bigint;
  readonly epoch: bigint;
  readonly events: number;
}

export class BuildWriter {
  /** Everything up to here is folded, in memory at least. */
  position: bigint;
  /** Everything up to here is in the database. */
  committed: bigint;
  /** Events dealt with since the build began. */
  events: number;
  private eventsAtCommit: number;
  private lastEventAt: Date | undefined;
  private readonly fold: RowFold;
  /** Where rows are loaded from: inside a transaction, that one, because it sees what its handlers changed. */
  private reading: Queryable;

  private constructor(
    private readonly options: WriterOptions,
    private readonly table: BuildTable,
    private readonly epoch: bigint,
    checkpoint: Checkpoint,
    parkedScopes: Set<string>,
    cache: RowCache,
  ) {
    this.position = this.committed = checkpoint.position;
    this.events = this.eventsAtCommit = checkpoint.events;
    this.fold = new RowFold({
      ...options,
      accepts: options.accepts ?? (() => true),
      cache,
      parkedScopes,
      load: (keys: readonly KeyOfRow[]) => table.load(this.reading, keys),
    });
    this.reading = options.db;
  }

  /** Takes the part over. @throws Fenced when the build is gone */
  static async open(options: WriterOptions): Promise<BuildWriter> {
    const { db, shape, build, partition } = options;
    const part: BuildPart = { ...build, partition };
    const checkpoint = await takeOver(db, part, options.owner);
    const scopes = await db.query<{ scope: string }>(
      'select distinct scope from annals.parked_event where name = $1 and build = $2 and partition = $3',
      [part.name, part.build, part.partition],
    );
    const isEmpty = checkpoint.events === 0;
    return new BuildWriter(
      options,
      new BuildTable(part, shape),
      checkpoint.epoch,
      checkpoint,
      new Set(scopes.rows.map(({ scope }) => scope)),
      new RowCache(Math.ceil(options.cachedRows / 2), isEmpty),
    );
  }

  /** Rows changed and not committed yet. */
  get changedRows(): number {
    return this.fold.size;
  }

  /** Events folded and not committed yet. */
  get pendingEvents(): number {
    return this.events - this.eventsAtCommit;
  }

  /** Folds what the read model handles by folds. Events with `sql` handlers must come by {@link runSql}. */
  async add(events: readonly RecordedEvent[], position: bigint): Promise<void> {
    await this.fold.fold(events);
    this.passed(events, position);
  }

  /** Commits what was folded so far; what is added meanwhile belongs to the next commit. One commit at a time. */
  async commit(live: boolean, eventsPerSecond: number): Promise<void> {
    const move = this.nextMove(live, eventsPerSecond);
    await this.table.write(this.options.db, move, this.fold.takeChanges());
    this.committed = move.to;
  }

  /**
   * Runs events with `sql` handlers, and those that share a position with one, in one transaction that moves the
   * checkpoint as well; nothing may be pending.
   */
  async runSql(
    events: readonly RecordedEvent[],
    position: bigint,
    live: boolean,
    eventsPerSecond: number,
  ): Promise<void> {
    this.passed(events, position);
    const move = this.nextMove(live, eventsPerSecond);
    const { db } = this.options;
    const run = async (tx: Queryable) => {
      // Locks the checkpoint first: who is fenced does not get as far as running a handler.
      await this.fence(tx);
      this.reading = tx;
      await this.inOrder(tx, { ...move, to: move.from, events: 0 }, events);
      await this.table.write(tx, move, this.fold.takeChanges());
    };
    await (db instanceof pg.Pool ? inTransaction(db, run) : run(db));
    this.reading = db;
    this.fold.forget();
    this.committed = move.to;
  }

  /**
   * Parks what the database refuses the rows of, instead of folding it: one stored event, or all the events that it was
   * split into, because which of their rows was refused cannot be told.
   */
  async refuse(siblings: readonly RecordedEvent[], position: bigint, error: unknown): Promise<void> {
    for (const recorded of siblings)
      if (this.options.model.handledBy(recorded.event.type) !== undefined) this.parkRefused(recorded, error);
    this.passed(siblings, position);
    await this.commit(false, 0);
  }

  /**
   * Folds events again that were parked, without moving the checkpoint.
   * @returns how many had to be parked again
   */
  async again(events: readonly RecordedEvent[]): Promise<number> {
    const before = this.fold.parkedTotal;
    const staying = this.nextMove(false, 0);
    await this.inOrder(this.options.db, staying, events);
    await this.table.write(this.options.db, staying, this.fold.takeChanges());
    return this.fold.parkedTotal - before;
  }

  /** Each event sees what those before it changed, by folds or by SQL. @param staying where the checkpoint is */
  private async inOrder(tx: Queryable, staying: Move, events: readonly RecordedEvent[]): Promise<void> {
    for (const recorded of events) {
      if (this.options.model.handledBy(recorded.event.type) === 'sql') {
        if (this.fold.size > 0) await this.table.write(tx, staying, this.fold.takeChanges());
        await this.runSqlOf(tx, recorded);
        this.fold.forget();
      } else {
        await this.fold.fold([recorded]);
      }
    }
  }

  private parkRefused(recorded: RecordedEvent, error: unknown): void {
    let keys: KeyOfRow[];
    try {
      keys = this.fold.keysOf(recorded);
    } catch (unknownKey) {
      return this.fold.park(streamScope(recorded.at.stream), recorded, { error: unknownKey }, 1);
    }
    if (this.fold.parkedBehind(recorded, keys)) return;
    for (const key of keys) this.fold.park(keyScope(key.id), recorded, { error }, 1);
  }

  private passed(events: readonly RecordedEvent[], position: bigint): void {
    this.position = position;
    this.events += events.length;
    this.lastEventAt = events.at(-1)?.at.created ?? this.lastEventAt;
  }

  private nextMove(live: boolean, eventsPerSecond: number): Move {
    const events = this.pendingEvents;
    this.eventsAtCommit = this.events;
    return {
      ...{ from: this.committed, to: this.position, epoch: this.epoch },
      ...{ live, events, eventsPerSecond, lastEventAt: this.lastEventAt },
    };
  }

  private async fence(tx: Queryable): Promise<void> {
    const { name, build } = this.options.build;
    const { rows } = await tx.query(
      `select 1 from annals.read_model_checkpoint
       where name = $1 and build = $2 and partition = $3 and position = $4 and epoch = $5 for update`,
      [name, build, this.options.partition, this.committed, this.epoch],
    );
    if (rows.length === 0) throw new Fenced(name, build);
  }

  private async runSqlOf(tx: Queryable, recorded: RecordedEvent): Promise<void> {
    const { retry, model } = this.options;
    let scope = streamScope(recorded.at.stream);
    for (let attempt = 1; ; attempt++) {
      await tx.query('savepoint handler');
      try {
        const keys = this.fold.keysOf(recorded);
        const [first] = keys;
        if (first) scope = keyScope(first.id);
        if (this.fold.parkedBehind(recorded, keys)) return;
        if (first) await model.runSql(this.transaction(tx), recorded.event, recorded.at);
        await tx.query('release savepoint handler');
        return;
      } catch (error) {
        if (isOutage(error)) throw error;
        await tx.query('rollback to savepoint handler');
        if (attempt >= retry.attempts) return this.fold.park(scope, recorded, { error }, attempt);
      }
    }
  }

  private transaction(tx: Queryable): SqlTransaction {
    return {
      table: this.table.table,
      query: async <Row extends object>(text: string, values: readonly unknown[] = []) =>
        (await tx.query<Row & Record<string, unknown>>(text, [...values])).rows,
    };
  }
}

async function takeOver(db: Queryable, { name, build, partition }: BuildPart, owner: string): Promise<Checkpoint> {
  const { rows } = await db.query<{ position: string; epoch: string; events: string }>(
    `update annals.read_model_checkpoint set epoch = epoch + 1, owner = $4
     where name = $1 and build = $2 and partition = $3 returning position, epoch, events`,
    [name, build, partition, owner],
  );
  const [row] = rows;
  if (!row) throw new Fenced(name, build);
  return { position: BigInt(row.position), epoch: BigInt(row.epoch), events: Number(row.events) };
}
