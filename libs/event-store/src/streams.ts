/** Reading and appending streams through the client, with Annals' errors and types in place of the client's. */
import { randomUUID } from 'node:crypto';
import type { DomainEvent } from '@annals/core';
import { MaxAppendSizeExceededError, StreamDeletedError, WrongExpectedVersionError } from '@eventstore/db-client';
import type { ClientLink } from './client-link.js';
import type { EventStoreConnection } from './connection.js';
import { readAll, type ReadAllOptions } from './all-reading.js';
import { observedAppend } from './observed-append.js';
import { AppendTooLarge, StreamIsDeleted, WrongExpectedRevision } from './errors.js';
import { beginning, noEvents, type RecordedEvent, type StoredMetadata } from './recorded-event.js';
import type { ProposedEvent } from './wire/append-messages.js';
import { encodeHeadRead, encodeStreamRead } from './wire/read-request.js';

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
    let { from, maxCount } = options;
    const open = (link: ClientLink) => link.openRead(encodeStreamRead(stream, { direction, from, maxCount }));
    try {
      for await (const events of this.connection.read(`read of ${stream}`, open))
        for (const recorded of events) {
          from = recorded.at.revision + (direction === 'backwards' ? -1 : 1);
          if (maxCount !== undefined) maxCount--;
          yield recorded as RecordedEvent<E>;
          if (maxCount === 0 || from < 0) return;
        }
    } catch (error) {
      throw translated(error, stream);
    }
  }

  /** All events of a stream at once. @throws StreamIsDeleted, EventStoreUnavailable */
  async readToEnd<E extends DomainEvent = DomainEvent>(
    stream: string,
    { direction = 'forwards', from, maxCount, resolveLinks }: ReadOptions = {},
  ): Promise<readonly RecordedEvent<E>[]> {
    const request = encodeStreamRead(stream, { direction, from, maxCount, resolveLinks });
    const collect = (link: ClientLink) => link.readAll(request);
    try {
      const events = await this.connection.call(`read of ${stream}`, collect, Infinity);
      return events as readonly RecordedEvent<E>[];
    } catch (error) {
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
    const metadata = {
      id: randomUUID(),
      type: '$metadata',
      json: JSON.stringify({ $maxCount: maxCount }),
      metadata: '',
    };
    await this.connection.call(`setting of the metadata of ${stream}`, (link) =>
      link.append(`$$${stream}`, 'any', [metadata]),
    );
  }

  /** Position of the newest event in `$all`; {@link beginning} when there is none. */
  async headPosition(): Promise<bigint> {
    const newest = await this.connection.call('read of the head of $all', (link) => link.readAll(encodeHeadRead()));
    return newest[0]?.at.position ?? beginning;
  }

  private async appendNow(
    stream: string,
    events: readonly EventToAppend[],
    expected: number | 'any',
  ): Promise<AppendResult> {
    const data = events.map(proposed);
    const expectation = expected === noEvents ? 'no-stream' : expected;
    try {
      const { revision, position = beginning } = await this.connection.call(`append to ${stream}`, (link) =>
        link.append(stream, expectation, data),
      );
      return { revision, position };
    } catch (error) {
      throw translated(error, stream, expected);
    }
  }
}

const proposed = ({
  id,
  event: { type, data },
  metadata,
  json = JSON.stringify(data),
}: EventToAppend): ProposedEvent => ({ id, type, json, metadata: JSON.stringify(metadata) });

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
