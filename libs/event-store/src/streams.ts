/** Reading and appending streams through the client, with Annals' errors and types in place of the client's. */
import type { DomainEvent } from '@annals/core';
import {
  BACKWARDS,
  binaryEvent,
  END,
  FORWARDS,
  MaxAppendSizeExceededError,
  NO_STREAM,
  START,
  StreamDeletedError,
  StreamNotFoundError,
  WrongExpectedVersionError,
  type EventStoreDBClient,
  type ReadStreamOptions,
  type ResolvedEvent,
  type StreamingRead,
} from '@eventstore/db-client';
import type { EventStoreConnection } from './connection.js';
import { readAll, type ReadAllOptions } from './all-reading.js';
import { observedAppend } from './observed-append.js';
import { AppendTooLarge, StreamIsDeleted, WrongExpectedRevision } from './errors.js';
import { beginning, noEvents, toRecordedEvent, type RecordedEvent, type StoredMetadata } from './recorded-event.js';

/** An event on its way into a stream. `id` (a UUID) makes the append idempotent: repeat it with the same ids. */
export interface EventToAppend {
  readonly id: string;
  readonly event: DomainEvent;
  readonly metadata: StoredMetadata;
  /** The event's data as JSON, where it was made already. */
  readonly json?: string;
}

export interface AppendResult {
  /** Revision of the last event appended. */
  readonly revision: number;
  /** Position in `$all` of the last event appended; {@link beginning} when the server does not say (a repeated append to a deleted stream). */
  readonly position: bigint;
}

export interface ReadOptions {
  /** The first revision to give (inclusive); default: the first event, or the last one when reading backwards. */
  readonly from?: number;
  readonly direction?: 'forwards' | 'backwards';
  readonly maxCount?: number;
  /** Gives what links of the stream point to (as in `$bc-…`), in place of the links; for {@link Streams.readToEnd}. */
  readonly resolveLinks?: boolean;
}

export class Streams {
  constructor(private readonly connection: EventStoreConnection) {}

  /**
   * Appends all or nothing. Safe to repeat with the same event ids and the same expectation.
   * @param expected revision of the stream's last event; {@link noEvents} when it must not exist; 'any' not to look
   * @throws WrongExpectedRevision, StreamIsDeleted, AppendTooLarge, EventStoreUnavailable
   */
  append(stream: string, events: readonly EventToAppend[], expected: number | 'any'): Promise<AppendResult> {
    return observedAppend(stream, events.length, () => this.appendNow(stream, events, expected));
  }

  /**
   * The events of a stream; none when there is no such stream. Back-pressured: reads on only as fast as it is consumed,
   * and goes on behind the last event given when the connection breaks.
   * @throws StreamIsDeleted, EventStoreUnavailable
   */
  async *read<E extends DomainEvent = DomainEvent>(
    stream: string,
    options: ReadOptions = {},
  ): AsyncGenerator<RecordedEvent<E>> {
    const { direction = 'forwards' } = options;
    const backwards = direction === 'backwards';
    let { from, maxCount } = options;
    const open = (client: EventStoreDBClient) =>
      client.readStream(stream, clientOptions({ direction, ...definedOf({ from, maxCount }) }));
    try {
      for await (const { event } of this.connection.read(`read of ${stream}`, open)) {
        if (!event) continue;
        const recorded = toRecordedEvent<E>(event);
        from = recorded.at.revision + (backwards ? -1 : 1);
        if (maxCount !== undefined) maxCount--;
        yield recorded;
        if (maxCount === 0 || from < 0) return;
      }
    } catch (error) {
      if (error instanceof StreamNotFoundError) return;
      throw translated(error, stream);
    }
  }

  /** All events of a stream at once. @throws StreamIsDeleted, EventStoreUnavailable */
  async readToEnd<E extends DomainEvent = DomainEvent>(
    stream: string,
    options: ReadOptions = {},
  ): Promise<RecordedEvent<E>[]> {
    const collect = (client: EventStoreDBClient) => collected<E>(client.readStream(stream, clientOptions(options)));
    try {
      return await this.connection.call(`read of ${stream}`, collect, Infinity);
    } catch (error) {
      if (error instanceof StreamNotFoundError) return [];
      throw translated(error, stream);
    }
  }

  /**
   * The events of all streams in the order of `$all`, up to the newest one there is when the reading comes to it, without
   * the server's own (`$…`). Back-pressured; goes on behind the last event given when the connection breaks.
   * @throws EventStoreUnavailable
   */
  readAll<E extends DomainEvent = DomainEvent>(options: ReadAllOptions = {}): AsyncGenerator<RecordedEvent<E>> {
    return readAll<E>(this.connection, options);
  }

  /** The events of all aggregates of a category, in the order of `$all`; otherwise as {@link readAll}. */
  readCategory<E extends DomainEvent = DomainEvent>(
    category: string,
    options: Pick<ReadAllOptions, 'after'> = {},
  ): AsyncGenerator<RecordedEvent<E>> {
    return this.readAll<E>({ ...options, prefixes: [`${category}-`] });
  }

  /** Lets a stream keep its newest events only (`$maxCount`). @throws EventStoreUnavailable */
  async keepNewest(stream: string, maxCount: number): Promise<void> {
    await this.connection.call(`setting of the metadata of ${stream}`, (client) =>
      client.setStreamMetadata(stream, { maxCount }),
    );
  }

  /** Position of the newest event in `$all`; {@link beginning} when there is none. */
  async headPosition(): Promise<bigint> {
    return this.connection.call('read of the head of $all', async (client) => {
      for await (const { event } of readLast(client)) return event?.position?.commit ?? beginning;
      return beginning;
    });
  }

  private async appendNow(
    stream: string,
    events: readonly EventToAppend[],
    expected: number | 'any',
  ): Promise<AppendResult> {
    const data = events.map(toJsonBytes);
    const expectedRevision = expected === 'any' ? 'any' : expected === noEvents ? NO_STREAM : BigInt(expected);
    try {
      const result = await this.connection.call(`append to ${stream}`, (client) =>
        client.appendToStream(stream, data, { expectedRevision }),
      );
      return { revision: Number(result.nextExpectedRevision), position: result.position?.commit ?? beginning };
    } catch (error) {
      throw translated(error, stream, expected);
    }
  }
}

const readLast = (client: EventStoreDBClient) =>
  client.readAll({ direction: BACKWARDS, fromPosition: END, maxCount: 1 });

const definedOf = ({ from, maxCount }: { from: number | undefined; maxCount: number | undefined }) => ({
  ...(from !== undefined && { from }),
  ...(maxCount !== undefined && { maxCount }),
});

function clientOptions({ from, maxCount, direction, resolveLinks = false }: ReadOptions): ReadStreamOptions {
  const backwards = direction === 'backwards';
  return {
    direction: backwards ? BACKWARDS : FORWARDS,
    fromRevision: from === undefined ? (backwards ? END : START) : BigInt(from),
    ...(maxCount !== undefined && { maxCount }),
    resolveLinkTos: resolveLinks,
  };
}

/** Without a promise for each event, which is what a short read would mostly consist of. */
const collected = <E extends DomainEvent>(events: StreamingRead<ResolvedEvent>): Promise<RecordedEvent<E>[]> =>
  new Promise((resolve, reject) => {
    const recorded: RecordedEvent<E>[] = [];
    events
      .on('data', ({ event }: ResolvedEvent) => event && recorded.push(toRecordedEvent<E>(event)))
      .on('error', reject)
      .on('end', () => resolve(recorded));
  });

const encoder = new TextEncoder();

/**
 * The JSON as bytes. Given as an object, the client turns it into base64 and, to measure and to send it, back, which
 * costs more than all else; {@link ClientLink} marks the bytes as the JSON that they are.
 */
const toJsonBytes = ({ id, event: { type, data }, metadata, json = JSON.stringify(data) }: EventToAppend) =>
  binaryEvent({
    id,
    type,
    data: encoder.encode(json),
    metadata: encoder.encode(JSON.stringify(metadata)),
  });

function translated(error: unknown, stream: string, expected?: number | 'any'): unknown {
  if (error instanceof WrongExpectedVersionError) {
    const actual = typeof error.actualVersion === 'bigint' ? Number(error.actualVersion) : noEvents;
    return new WrongExpectedRevision(stream, expected ?? 'any', actual);
  }
  if (error instanceof StreamDeletedError) return new StreamIsDeleted(stream);
  if (error instanceof MaxAppendSizeExceededError)
    return new AppendTooLarge(stream, error.maxAppendSize, { cause: error });
  return error;
}
