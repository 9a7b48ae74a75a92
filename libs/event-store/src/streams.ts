/** Reading and appending streams through the client, with Annals' errors and types in place of the client's. */
import type { DomainEvent } from '@annals/core';
import {
  BACKWARDS,
  END,
  FORWARDS,
  jsonEvent,
  MaxAppendSizeExceededError,
  NO_STREAM,
  START,
  StreamDeletedError,
  StreamNotFoundError,
  WrongExpectedVersionError,
  type EventStoreDBClient,
} from '@eventstore/db-client';
import type { EventStoreConnection } from './connection.js';
import { AppendTooLarge, StreamIsDeleted, WrongExpectedRevision } from './errors.js';
import { beginning, noEvents, toRecordedEvent, type RecordedEvent, type StoredMetadata } from './recorded-event.js';

/** An event on its way into a stream. `id` (a UUID) makes the append idempotent: repeat it with the same ids. */
export interface EventToAppend {
  readonly id: string;
  readonly event: DomainEvent;
  readonly metadata: StoredMetadata;
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
}

export class Streams {
  constructor(private readonly connection: EventStoreConnection) {}

  /**
   * Appends all or nothing. Safe to repeat with the same event ids and the same expectation.
   * @param expected revision of the stream's last event; {@link noEvents} when it must not exist; 'any' not to look
   * @throws WrongExpectedRevision, StreamIsDeleted, AppendTooLarge, EventStoreUnavailable
   */
  async append(stream: string, events: readonly EventToAppend[], expected: number | 'any'): Promise<AppendResult> {
    const data = events.map(({ id, event, metadata }) =>
      jsonEvent({ id, type: event.type, data: event.data as Record<string, unknown>, metadata: { ...metadata } }),
    );
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

  /**
   * The events of a stream; none when there is no such stream. Back-pressured: reads on only as fast as it is consumed.
   * @throws StreamIsDeleted; transport errors of the client when the connection breaks in the middle
   */
  async *read<E extends DomainEvent = DomainEvent>(
    stream: string,
    options: ReadOptions = {},
  ): AsyncGenerator<RecordedEvent<E>> {
    const backwards = options.direction === 'backwards';
    const client = this.connection.client;
    try {
      const events = client.readStream(stream, {
        direction: backwards ? BACKWARDS : FORWARDS,
        fromRevision: options.from === undefined ? (backwards ? END : START) : BigInt(options.from),
        ...(options.maxCount !== undefined && { maxCount: options.maxCount }),
      });
      for await (const { event } of events) if (event) yield toRecordedEvent<E>(event);
    } catch (error) {
      if (error instanceof StreamNotFoundError) return;
      throw translated(error, stream);
    }
  }

  /** All events of a stream at once, with transport errors retried. */
  async readToEnd<E extends DomainEvent = DomainEvent>(
    stream: string,
    options: ReadOptions = {},
  ): Promise<RecordedEvent<E>[]> {
    const collect = async () => {
      const events: RecordedEvent<E>[] = [];
      for await (const event of this.read<E>(stream, options)) events.push(event);
      return events;
    };
    return this.connection.call(`read of ${stream}`, collect, Infinity);
  }

  /** Position of the newest event in `$all`; {@link beginning} when there is none. */
  async headPosition(): Promise<bigint> {
    return this.connection.call('read of the head of $all', async (client) => {
      for await (const { event } of readLast(client)) return event?.position?.commit ?? beginning;
      return beginning;
    });
  }
}

const readLast = (client: EventStoreDBClient) =>
  client.readAll({ direction: BACKWARDS, fromPosition: END, maxCount: 1 });

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
