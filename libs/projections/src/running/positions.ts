/**
 * How far the read models have come, for those who wait (read your writes). Owners tell moves in their own process
 * directly; moves of other processes come by NOTIFY, which owners send only while a checkpoint is watched.
 *
 * No move is missed: to watch is an update of the checkpoint's row that returns its position, so it happens before or
 * after a move, and an owner whose move comes after it sees that it is watched.
 */
import { beginning } from '@annals/event-store';
import type pg from 'pg';
import type { AnyReadModel } from '../read-model.js';

export interface WaitOptions {
  /** Default 5,000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

interface Known {
  readonly build: number;
  /** By partition; undefined: not heard of. */
  readonly positions: (bigint | undefined)[];
  /** Partitions whose owner is in this process. */
  readonly local: Set<number>;
  /** Moves of all partitions are told in this process until then, in ms of the clock. */
  watchedUntil: number;
}

const watchForMs = 60_000;

export class Positions {
  private readonly known = new Map<string, Known>();
  private readonly waiting = new Map<string, Set<() => void>>();

  constructor(private readonly pool: pg.Pool) {}

  /** A partition of the build that is served has its owner in this process now, and is at `position`. */
  owned(name: string, build: number, partitions: number, partition: number, position: bigint): void {
    const known = this.of(name, build, partitions);
    known.local.add(partition);
    this.set(name, known, partition, position);
  }

  /** An owner in this process committed. */
  moved(name: string, build: number, partition: number, position: bigint): void {
    const known = this.known.get(name);
    if (known?.build === build) this.set(name, known, partition, position);
  }

  /** An owner in another process committed, and told so. */
  told(payload: string): void {
    const move = JSON.parse(payload) as { name: string; build: number; partition: number; position: string };
    this.moved(move.name, move.build, move.partition, BigInt(move.position));
  }

  /** Another build may be served now, another process own it, or moves may have been missed. */
  forget(name: string): void {
    this.known.delete(name);
    this.wake(name);
  }

  forgetAll(): void {
    for (const name of new Set([...this.known.keys(), ...this.waiting.keys()])) this.forget(name);
  }

  /** @returns whether the read model got there in time */
  async wait(model: AnyReadModel, position: bigint, { timeoutMs = 5_000, signal }: WaitOptions = {}): Promise<boolean> {
    if (this.reached(model.name, position)) return true;
    const timeout = AbortSignal.timeout(timeoutMs);
    const end = signal ? AbortSignal.any([timeout, signal]) : timeout;
    while (!end.aborted) {
      const changed = this.changed(model.name, end);
      if (this.mustWatch(model.name)) await this.watch(model);
      if (this.reached(model.name, position)) return true;
      await changed;
    }
    return this.reached(model.name, position);
  }

  private of(name: string, build: number, partitions: number): Known {
    const known = this.known.get(name);
    if (known?.build === build) return known;
    const fresh: Known = {
      build,
      positions: Array.from({ length: partitions }, () => undefined),
      local: new Set(),
      watchedUntil: 0,
    };
    this.known.set(name, fresh);
    return fresh;
  }

  private set(name: string, known: Known, partition: number, position: bigint): void {
    if (position <= (known.positions[partition] ?? beginning) && known.positions[partition] !== undefined) return;
    known.positions[partition] = position;
    this.wake(name);
  }

  private reached(name: string, position: bigint): boolean {
    const positions = this.known.get(name)?.positions;
    return positions?.every((each) => each !== undefined && each >= position) ?? false;
  }

  private mustWatch(name: string): boolean {
    const known = this.known.get(name);
    if (!known) return true;
    return known.local.size < known.positions.length && Date.now() > known.watchedUntil - watchForMs / 2;
  }

  /** Asks the owners to tell their moves, and reads where they are. */
  private async watch({ name, version }: AnyReadModel): Promise<void> {
    const { rows } = await this.pool.query<{ build: number; partition: number; position: string }>(
      `update annals.read_model_checkpoint c set watched_until = clock_timestamp() + $3 * interval '1 ms'
       from annals.read_model r
       where r.name = $1 and r.version = $2 and c.name = r.name and c.build = r.serving_build
       returning c.build, c.partition, c.position`,
      [name, version, watchForMs],
    );
    const [first] = rows;
    if (!first) return;
    const known = this.of(name, first.build, rows.length);
    known.watchedUntil = Date.now() + watchForMs;
    for (const { partition, position } of rows) this.set(name, known, partition, BigInt(position));
  }

  /** Settles when something is heard of the read model, when it is time to watch again, or when `end` is aborted. */
  private changed(name: string, end: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const all = this.waiting.get(name) ?? new Set();
      this.waiting.set(name, all);
      const done = () => {
        all.delete(done);
        clearTimeout(renewal);
        end.removeEventListener('abort', done);
        resolve();
      };
      const renewal = setTimeout(done, watchForMs / 2);
      all.add(done);
      end.addEventListener('abort', done, { once: true });
    });
  }

  private wake(name: string): void {
    for (const resolve of [...(this.waiting.get(name) ?? [])]) resolve();
  }
}
