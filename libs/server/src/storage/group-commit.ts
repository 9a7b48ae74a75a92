/**
 * Writes appends in groups: whatever arrives while one group is being flushed forms the next, so one flush serves all who wait.
 *
 *   stage (position given, bytes encoded) -> group written and flushed -> published (indexes, subscribers) -> acknowledged
 *                                         \-> write failed: everything staged is undone and refused
 *
 * Staging is synchronous, so the order of positions is the order of decisions.
 */
import { StorageWriteFailed } from '../errors.js';
import { EventRecord } from './event-record.js';
import { MARKER_LENGTH, NO_BYTES, type ProposedEvent } from './record-format.js';
import { mostRecordLength, sharedFields, writeEventRecord, writeMarker } from './record-writer.js';
import type { Log } from './log.js';
import type { StreamEntry } from './stream-entry.js';

export interface Write {
  readonly entry: StreamEntry;
  readonly event: ProposedEvent;
  readonly revision: number | 'tombstone';
}

export interface Committed {
  readonly write: Write;
  readonly record: EventRecord;
}

interface Staged {
  readonly writes: readonly Write[];
  readonly records: readonly EventRecord[];
  readonly resolve: (position: number) => void;
  readonly reject: (error: Error) => void;
  readonly position: number;
}

/** UTF-8 bytes that a UTF-16 unit may take. */
const MOST_BYTES_PER_UNIT = 3;
/** Records are encoded into slabs of at least this size. */
const SLAB = 256 * 1024;

export interface CommitEvents {
  /** The position behind everything staged moves by `write`s that are now being decided upon. */
  staged(writes: readonly Write[]): void;
  /** The next group is written once that has settled; undefined: at once. */
  published(committed: readonly Committed[]): Promise<void> | undefined;
  undone(writes: readonly Write[]): void;
}

export class GroupCommit {
  private queue: Staged[] = [];
  private parts: Buffer[] = [];
  private slab = Buffer.alloc(0);
  private used = 0;
  private taken = 0;
  private group: number | undefined;
  /** The group that has its first record. */
  private begun = -1;
  private durableGroup: number | undefined;
  private tail = 0;
  private running: Promise<void> | undefined;
  private lastCreated = 0;
  /** How often the disk was flushed for how many appends: for the statistics. */
  groups = 0;
  appends = 0;

  constructor(
    private readonly log: Log,
    private readonly events: CommitEvents,
    private readonly describe: string,
    private readonly firstGroup: () => number,
  ) {}

  /** The latest group that is durable, 0 before there is any. */
  get lastGroup(): number {
    return this.durableGroup ?? this.currentGroup - 1;
  }

  /** The group that is being collected. */
  private get currentGroup(): number {
    return (this.group ??= this.firstGroup());
  }

  get isIdle(): boolean {
    return this.queue.length === 0 && this.running === undefined;
  }

  /** Resolves with the position of the last event (of the marker, when there are none) once all of them are durable. */
  stage(writes: readonly Write[]): Promise<number> {
    if (this.isIdle || this.tail === 0) this.tail = this.log.end;
    const createdMs = (this.lastCreated = Math.max(this.lastCreated, Date.now()));
    const records = writes.length === 0 ? [] : this.encode(writes, createdMs);
    if (writes.length === 0) this.encodeMarker(createdMs);
    const position = records.at(-1)?.position ?? this.tail - MARKER_LENGTH;
    this.events.staged(writes);
    return new Promise((resolve, reject) => {
      this.queue.push({ writes, records, resolve, reject, position });
      this.running ??= this.run();
    });
  }

  /** Does `work` while no group is being written; appends that arrive meanwhile wait. */
  async exclusively(work: () => Promise<void>): Promise<void> {
    while (!this.isIdle) await this.settled();
    // Nothing runs between the check and this, so the next append finds the work in its way.
    this.running = work().finally(() => {
      this.running = undefined;
      if (this.queue.length > 0) this.running = this.run();
    });
    await this.running;
  }

  /** Resolves when everything that was staged before is durable or was refused. */
  async settled(): Promise<void> {
    const last = this.queue.at(-1);
    if (last) await this.stageless(last);
    else await this.running;
  }

  private stageless(last: Staged): Promise<void> {
    return new Promise((resolve) => {
      const index = this.queue.indexOf(last);
      this.queue[index] = {
        ...last,
        resolve: (position) => {
          last.resolve(position);
          resolve();
        },
        reject: (error) => {
          last.reject(error);
          resolve();
        },
      };
    });
  }

  private encode(writes: readonly Write[], createdMs: number): EventRecord[] {
    let most = 0;
    for (const { entry, event } of writes) most += mostRecordLength(event, entry.name.length * MOST_BYTES_PER_UNIT);
    this.reserve(most);
    let stream: Buffer = NO_BYTES;
    let shared: Buffer = NO_BYTES;
    return writes.map(({ entry, event, revision }, i) => {
      const before = writes[i - 1];
      const sameStream = before?.entry === entry;
      if (!sameStream) stream = entry.bytes;
      const at = { stream, revision, position: this.tail, createdMs };
      if (!sameStream || before.event.type !== event.type || before.event.json !== event.json)
        shared = sharedFields(event, at);
      const start = this.used;
      const options = { group: this.currentGroup, begins: this.beginsGroup(), more: i < writes.length - 1 };
      this.used = writeEventRecord(this.slab, start, event, at, options, shared);
      this.tail += this.used - start;
      return new EventRecord(this.slab, start);
    });
  }

  private encodeMarker(createdMs: number): void {
    this.reserve(MARKER_LENGTH);
    this.used = writeMarker(this.slab, this.used, this.tail, createdMs, {
      group: this.currentGroup,
      begins: this.beginsGroup(),
      more: false,
    });
    this.tail += MARKER_LENGTH;
  }

  private beginsGroup(): boolean {
    const begins = this.begun !== this.currentGroup;
    this.begun = this.currentGroup;
    return begins;
  }

  private reserve(bytes: number): void {
    if (this.used + bytes <= this.slab.length) return;
    this.sealSlab();
    this.slab = Buffer.allocUnsafeSlow(Math.max(SLAB, bytes));
    this.used = this.taken = 0;
  }

  private sealSlab(): void {
    if (this.used > this.taken) this.parts.push(this.slab.subarray(this.taken, this.used));
    this.taken = this.used;
  }

  private async run(): Promise<void> {
    // Let all requests that have arrived in this turn join the first group.
    await new Promise(setImmediate);
    while (this.queue.length > 0) {
      const staged = this.queue;
      this.queue = [];
      this.sealSlab();
      const bytes = this.parts.length === 1 && this.parts[0] ? this.parts[0] : Buffer.concat(this.parts);
      this.parts = [];
      const group = this.currentGroup;
      this.group = group + 1;
      try {
        await this.log.write(bytes);
      } catch (error) {
        this.undo(staged, error instanceof Error ? error : new Error(String(error)));
        continue;
      }
      this.durableGroup = group;
      await this.publish(staged);
    }
    this.running = undefined;
  }

  private publish(staged: readonly Staged[]): Promise<void> | undefined {
    this.groups++;
    this.appends += staged.length;
    const committed: Committed[] = [];
    for (const { writes, records } of staged) {
      for (let i = 0; i < writes.length; i++) {
        const write = writes[i];
        const record = records[i];
        if (write && record) committed.push({ write, record });
      }
    }
    const ready = this.events.published(committed);
    for (const { resolve, position } of staged) resolve(position);
    return ready;
  }

  /** What was staged behind the failed group was decided on the strength of it, so it goes too. */
  private undo(failed: readonly Staged[], cause: Error): void {
    const all = [...failed, ...this.queue];
    this.queue = [];
    this.parts = [];
    this.slab = Buffer.alloc(0);
    this.used = this.taken = 0;
    this.tail = this.log.end;
    this.events.undone(all.flatMap(({ writes }) => writes));
    const error = new StorageWriteFailed(this.describe, cause);
    for (const { reject } of all) reject(error);
  }
}
