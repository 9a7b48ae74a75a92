/**
 * Commands in, events out: loads an aggregate's stream, decides, appends with the revision it decided on, and decides
 * again when somebody was faster (G2). A command that was already carried out gives its first result (G3).
 */
import { randomUUID } from 'node:crypto';
import {
  assertJson,
  currentContext,
  eventId,
  fullJitterMs,
  pause,
  type AnyDecider,
  type Backoff,
  type Decider,
  type DomainCommand,
  type DomainEvent,
  type Folding,
} from '@annals/core';
import { EventStoreConnection, type ConnectionOptions } from './connection.js';
import { ConcurrencyConflict, EvolveFailed, UnregisteredEvent, WrongExpectedRevision } from './errors.js';
import { EventFeed } from './feed.js';
import { noEvents, type RecordedEvent, type StoredMetadata } from './recorded-event.js';
import { Streams, type EventToAppend } from './streams.js';

/** What a command led to. */
export interface CommandResult<E extends DomainEvent = DomainEvent> {
  readonly stream: string;
  /** Revision of the stream after the command; -1: it has no events. */
  readonly revision: number;
  /** Position in `$all` of the last event appended; undefined when the command appended none. */
  readonly position: bigint | undefined;
  readonly events: readonly E[];
}

/** An aggregate folded from its stream. */
export interface Loaded<State> {
  readonly state: State;
  /** Revision of the last event folded; -1: the stream has none. */
  readonly revision: number;
}

export interface ExecuteOptions {
  /** Decide on this revision of the aggregate or not at all: no retry on conflict, but WrongExpectedRevision. */
  readonly expectedRevision?: number;
}

const maxAttempts = 8;
const conflictBackoff: Backoff = { firstMs: 5, maxMs: 250 };

export class EventStore {
  readonly streams: Streams;
  private readonly connection: EventStoreConnection;
  private readonly feeds = new Set<EventFeed>();

  constructor(options: ConnectionOptions) {
    this.connection = new EventStoreConnection(options);
    this.streams = new Streams(this.connection);
  }

  /**
   * Carries out a command on its aggregate.
   * @throws DomainError whatever the decider rejects with
   * @throws ConcurrencyConflict after several lost races; WrongExpectedRevision when the caller pinned the revision
   * @throws NotJson, UnregisteredEvent, AppendTooLarge, StreamIsDeleted, EventStoreUnavailable
   */
  async execute<State, Cmd extends DomainCommand, Evt extends DomainEvent>(
    decider: Decider<State, Cmd, Evt>,
    command: Cmd,
    options: ExecuteOptions = {},
  ): Promise<CommandResult<Evt>> {
    const stream = decider.streamOf(command);
    const commandId = command.metadata.id ?? randomUUID();
    for (let attempt = 1; ; attempt++) {
      const { state, revision, history } = await this.loadStream(decider, stream);
      const first = history.filter(({ at }) => at.causationId === commandId);
      if (first.length > 0) return firstResult(stream, first);
      if (options.expectedRevision !== undefined && options.expectedRevision !== revision)
        throw new WrongExpectedRevision(stream, options.expectedRevision, revision);

      const events = decider.decide(state, command);
      if (events.length === 0) return { stream, revision, position: undefined, events };
      const toAppend = this.prepare(
        decider,
        stream,
        { ...command, metadata: { ...command.metadata, id: commandId } },
        events,
      );
      try {
        return { stream, ...(await this.streams.append(stream, toAppend, revision)), events };
      } catch (error) {
        if (!(error instanceof WrongExpectedRevision) || options.expectedRevision !== undefined) throw error;
        if (attempt === maxAttempts) throw new ConcurrencyConflict(stream, command.type, attempt, error.actual);
        await pause(fullJitterMs(attempt, conflictBackoff));
      }
    }
  }

  /**
   * The present state of an aggregate; the decider's initial state when its stream has no events.
   * @throws EvolveFailed, StreamIsDeleted, EventStoreUnavailable, InvalidAggregateId
   */
  async load<State, Evt extends DomainEvent>(decider: Folding<State, Evt>, id: string): Promise<Loaded<State>> {
    const { state, revision } = await this.loadStream(decider, decider.streamFor(id));
    return { state, revision };
  }

  /** A feed of all events of the streams whose names begin with one of `prefixes`, for any number of consumers. */
  feed(prefixes: readonly string[]): EventFeed {
    const feed = new EventFeed(this.connection, this.streams, prefixes);
    this.feeds.add(feed);
    return feed;
  }

  /** Stops the feeds and closes the connection. */
  async close(): Promise<void> {
    await Promise.all([...this.feeds].map((feed) => feed.close()));
    await this.connection.close();
  }

  private async loadStream<State, Evt extends DomainEvent>(
    decider: Folding<State, Evt>,
    stream: string,
  ): Promise<Loaded<State> & { history: RecordedEvent<Evt>[] }> {
    const history = await this.streams.readToEnd<Evt>(stream);
    let state = decider.initial;
    for (const { event, at } of history) {
      try {
        state = decider.evolve(state, event);
      } catch (cause) {
        throw new EvolveFailed(stream, at.revision, event.type, { cause });
      }
    }
    return { state, revision: history.at(-1)?.at.revision ?? noEvents, history };
  }

  private prepare(
    decider: AnyDecider,
    stream: string,
    command: DomainCommand,
    events: readonly DomainEvent[],
  ): EventToAppend[] {
    const { id = '', correlationId, actor } = command.metadata;
    const context = currentContext();
    const who = actor ?? context?.actor;
    const metadata: StoredMetadata = {
      $correlationId: correlationId ?? context?.correlationId ?? id,
      $causationId: id,
      ...(who !== undefined && { actor: who }),
    };
    return events.map((event, index) => {
      if (!decider.eventTypes.includes(event.type)) throw new UnregisteredEvent(decider.category, event.type);
      assertJson(event.data, `${event.type}.data`);
      return { id: eventId(stream, id, index), event, metadata };
    });
  }
}

function firstResult<E extends DomainEvent>(stream: string, events: readonly RecordedEvent<E>[]): CommandResult<E> {
  const last = events[events.length - 1]?.at;
  return {
    stream,
    revision: last?.revision ?? noEvents,
    position: last?.position,
    events: events.map(({ event }) => event),
  };
}
