/**
 * Snapshots of long aggregates, in the stream `snapshot-<stream>`, which keeps only the newest (`$maxCount` 1). They are
 * an optimisation and nothing else: one that does not fit (another version, another shape, not this stream's) is
 * ignored and written anew, and one that cannot be written is reported and left.
 */
import { randomUUID } from 'node:crypto';
import { assertJson, type DomainEvent, type Folding, type Log } from '@annals/core';
import type { Folded } from './folded.js';
import { StreamIsDeleted } from './errors.js';
import { HandledCommands } from './handled-commands.js';
import { noEvents } from './recorded-event.js';
import type { Streams } from './streams.js';

interface Snapshot {
  readonly version: number;
  readonly revision: number;
  /** Id of the event at `revision`. */
  readonly lastId: string;
  readonly state: unknown;
  /** See {@link HandledCommands.encode}. */
  readonly commands: string;
}

const type = 'Snapshot';

export const snapshotStream = (stream: string): string => `snapshot-${stream}`;

export class Snapshots {
  private readonly writing = new Map<string, Promise<void>>();

  constructor(
    private readonly streams: Streams,
    private readonly log: Log,
  ) {}

  async load<State, Evt extends DomainEvent>(
    { snapshots: policy }: Folding<State, Evt>,
    stream: string,
  ): Promise<Folded<State> | undefined> {
    if (!policy) return undefined;
    const stored = await this.newest(snapshotStream(stream));
    if (!isSnapshot(stored) || stored.version !== policy.version) return undefined;
    const { revision, lastId, state, commands } = stored;
    try {
      const handled = HandledCommands.decode(commands);
      return { state: state as State, revision, lastId, handled, snapshotRevision: revision };
    } catch (error) {
      if (error instanceof RangeError) return undefined;
      throw error;
    }
  }

  /** Whether it is time for a new one. */
  isDue<State, Evt extends DomainEvent>({ snapshots }: Folding<State, Evt>, folded: Folded<State>): boolean {
    return snapshots !== undefined && folded.revision - folded.snapshotRevision >= snapshots.every;
  }

  /** Stores the state in the background; nobody waits for it but {@link settled}. */
  save<State, Evt extends DomainEvent>(decider: Folding<State, Evt>, stream: string, folded: Folded<State>): void {
    const { snapshots: policy } = decider;
    if (!policy || folded.lastId === undefined || this.writing.has(stream)) return;
    const snapshot: Snapshot = {
      version: policy.version,
      revision: folded.revision,
      lastId: folded.lastId,
      state: folded.state,
      commands: folded.handled.encode(),
    };
    const written = this.write(snapshotStream(stream), snapshot, folded.snapshotRevision === noEvents)
      .catch((error: unknown) => this.log.warn(`No snapshot of ${stream} was written.`, { error }))
      .finally(() => this.writing.delete(stream));
    this.writing.set(stream, written);
  }

  /** Settles when no snapshot is being written. */
  async settled(): Promise<void> {
    await Promise.all(this.writing.values());
  }

  private async write(stream: string, snapshot: Snapshot, isFirst: boolean): Promise<void> {
    assertJson(snapshot.state, 'The state');
    if (isFirst) await this.streams.keepNewest(stream, 1);
    await this.streams.append(stream, [{ id: randomUUID(), event: { type, data: snapshot }, metadata: {} }], 'any');
  }

  private async newest(stream: string): Promise<unknown> {
    try {
      const [newest] = await this.streams.readToEnd(stream, { direction: 'backwards', maxCount: 1 });
      return newest?.event.type === type ? newest.event.data : undefined;
    } catch (error) {
      if (error instanceof StreamIsDeleted) return undefined;
      throw error;
    }
  }
}

function isSnapshot(value: unknown): value is Snapshot {
  const { version, revision, lastId, commands } = (value ?? {}) as Partial<Snapshot>;
  return (
    typeof version === 'number' &&
    Number.isSafeInteger(revision) &&
    typeof lastId === 'string' &&
    typeof commands === 'string' &&
    'state' in (value as object)
  );
}
