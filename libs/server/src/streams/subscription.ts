/**
 * A subscription pulls: it has a cursor, reads on from there whenever it is woken or its client has taken what was written,
 * and so needs no memory of its own for what it has not delivered, cannot miss an event and cannot deliver one twice.
 *
 *   confirmed -> catching up -- nothing left --> live (caught-up is told) -- woken, far behind after a jam --> catching up (fell-behind is told)
 *                                                 any state -- client gone, stream tombstoned, server stopping --> over
 */
import { randomUUID } from 'node:crypto';
import { StreamDeleted } from '../errors.js';
import type { GrpcCall } from '../protocol/grpc-call.js';
import {
  caughtUpFrame,
  checkpointFrame,
  confirmationFrame,
  eventFrame,
  fellBehindFrame,
} from '../protocol/read-frames.js';
import type { EventDatabase } from '../storage/event-database.js';
import { isMetadataStream } from './stream-metadata.js';
import type { EventFilter } from './event-filter.js';
import { AllForward, resolve } from './read.js';

/** Written at once; more waits until the client has taken it. */
const CHUNK = 64 * 1024;
/** A live subscription that is this many bytes of the log behind after a jam is told that it fell behind. */
const FELL_BEHIND = 4 * 1024 * 1024;

export interface SubscriptionSource {
  /** Appends frames until about {@link CHUNK} bytes; says whether there is more to come right away. */
  fill(out: Buffer[]): 'more' | 'end';
  /** Set when nothing can follow any more. */
  readonly failure: Error | undefined;
  /** Whether "nothing left" counts as caught up; a stream that does not exist yet is waited for. */
  readonly hasCaughtUp: boolean;
  /** Bytes of the log between the cursor and the end. */
  readonly lag: number;
  watch(wake: () => void): () => void;
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export async function runSubscription(call: GrpcCall, source: SubscriptionSource): Promise<void> {
  const bell = new Bell();
  const unwatch = source.watch(() => bell.ring());
  call.whenOver(() => {
    unwatch();
    bell.ring();
  });
  call.write(confirmationFrame(randomUUID()));
  let live = false;
  while (!call.isOver) {
    const out: Buffer[] = [];
    const state = source.fill(out);
    const flowing = out.length === 0 || call.write(out.length === 1 && out[0] ? out[0] : Buffer.concat(out));
    if (source.failure) {
      call.fail(source.failure);
      return;
    }
    if (!flowing) {
      await call.drained();
      if (live && source.lag > FELL_BEHIND) {
        live = false;
        call.write(fellBehindFrame());
      }
    }
    if (state === 'more') {
      await nextTurn();
      continue;
    }
    if (!flowing && source.lag > 0) continue;
    if (!live && source.hasCaughtUp) {
      live = true;
      call.write(caughtUpFrame());
    }
    await bell.rung();
  }
}

/** Rung any number of times, it wakes whoever waits once; a ring while nobody waits is kept. */
class Bell {
  private pending = false;
  private waiting: (() => void) | undefined;

  ring(): void {
    if (!this.waiting) {
      this.pending = true;
      return;
    }
    const { waiting } = this;
    this.waiting = undefined;
    waiting();
  }

  rung(): Promise<void> {
    if (this.pending) {
      this.pending = false;
      return Promise.resolve();
    }
    return new Promise((resolve) => (this.waiting = resolve));
  }
}

export interface SubscriptionOptions {
  readonly resolveLinks: boolean;
  readonly structuredIds: boolean;
}

/** A stream from a revision on. */
export class StreamSource implements SubscriptionSource {
  failure: Error | undefined;
  private next: number;
  private delivered = false;
  private readonly fromEnd: boolean;
  /** From the end of a tombstoned stream: nothing ever comes. */
  private readonly ended: boolean;

  constructor(
    private readonly database: EventDatabase,
    private readonly stream: string,
    from: 'start' | 'end' | number,
    private readonly options: SubscriptionOptions,
  ) {
    const entry = database.entry(stream);
    const head = entry?.head ?? -1;
    this.ended = from === 'end' && (entry?.tombstoneAt ?? -1) >= 0;
    this.fromEnd = from === 'end';
    this.next = from === 'end' ? head + 1 : from === 'start' ? 0 : from + 1;
  }

  fill(out: Buffer[]): 'more' | 'end' {
    const { database, stream } = this;
    if (this.ended) return 'end';
    let size = 0;
    while (size < CHUNK) {
      const entry = database.entry(stream);
      if (!entry) return 'end';
      this.next = Math.max(this.next, database.firstRevision(stream, entry));
      if (entry.tombstoneAt >= 0) {
        const tombstone = database.log.recordAt(entry.tombstoneAt);
        if (tombstone && entry.head >= 0) out.push(eventFrame({ event: tombstone }, this.options.structuredIds));
        this.failure = new StreamDeleted(stream);
        return 'end';
      }
      if (isMetadataStream(stream) && database.isTombstoned(stream.slice(2))) return 'end';
      if (this.next > entry.head) return 'end';
      const record = database.event(stream, entry, this.next++);
      if (!record) continue;
      this.delivered = true;
      const frame = eventFrame(resolve(database, record, this.options.resolveLinks), this.options.structuredIds);
      out.push(frame);
      size += frame.length;
    }
    return 'more';
  }

  get hasCaughtUp(): boolean {
    if (this.fromEnd || this.delivered) return true;
    const entry = this.database.entry(this.stream);
    return entry !== undefined && entry.head >= 0 && !this.database.metadataOf(entry, this.stream).deleted;
  }

  get lag(): number {
    const { log, index } = this.database;
    const entry = this.database.entry(this.stream);
    if (!entry || this.next > entry.head) return 0;
    return log.end - index.position(entry, this.next);
  }

  watch(wake: () => void): () => void {
    return this.database.watchers.watchStream(this.stream, wake);
  }
}

/** `$all` behind a position, perhaps filtered; then with a checkpoint after every so many events looked at. */
export class AllSource implements SubscriptionSource {
  readonly failure: Error | undefined = undefined;
  readonly hasCaughtUp = true;
  private readonly events: AllForward;
  private readonly end: () => number;
  private looked = 0;

  constructor(
    private readonly database: EventDatabase,
    from: 'start' | 'end' | number,
    private readonly filter: EventFilter | undefined,
    private readonly options: SubscriptionOptions,
  ) {
    const after = from === 'start' ? 0 : from === 'end' ? database.log.end : Math.min(from + 1, database.log.end);
    this.events = new AllForward(database, after, filter);
    this.end = () => database.log.end;
  }

  fill(out: Buffer[]): 'more' | 'end' {
    let size = 0;
    // Events that do not match cost time too: pause after as many, so that others get their turn.
    for (let looked = 0; size < CHUNK && looked < 2000; looked++) {
      const next = this.events.next();
      if (!next) return 'end';
      if (next.matches) {
        const frame = eventFrame(
          resolve(this.database, next.record, this.options.resolveLinks),
          this.options.structuredIds,
        );
        out.push(frame);
        size += frame.length;
      }
      if (this.filter && ++this.looked >= this.filter.checkpointEvery) {
        this.looked = 0;
        out.push(checkpointFrame(next.record.position));
      }
    }
    return 'more';
  }

  get lag(): number {
    return Math.max(0, this.end() - this.events.position);
  }

  watch(wake: () => void): () => void {
    return this.database.watchers.watchAll(wake);
  }
}
