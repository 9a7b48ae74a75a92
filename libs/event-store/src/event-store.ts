/** The door to EventStoreDB for deciders: commands in, states, histories and feeds out. */
import {
  silent,
  type Decider,
  type DomainCommand,
  type DomainEvent,
  type EventSchemas,
  type Folding,
  type Log,
} from '@annals/core';
import { Aggregates } from './aggregates.js';
import { CommandExecution, type CommandResult, type ExecuteOptions } from './command-execution.js';
import { EventStoreConnection, type ConnectionOptions } from './connection.js';
import { EventFeed, type FeedOptions } from './feed.js';
import { foldRecorded } from './folded.js';
import { noEvents, type RecordedEvent } from './recorded-event.js';
import { Snapshots } from './snapshots.js';
import { StoredEvents, type UnknownEventPolicy } from './stored-events.js';
import { Streams } from './streams.js';

export interface EventStoreOptions extends ConnectionOptions {
  /** How many folded aggregates are remembered, so that commands on them need no read; default 10,000; 0: none. */
  readonly cachedAggregates?: number;
  /** What is done about stored events that nobody knows; default `fail`. */
  readonly unknownEvents?: UnknownEventPolicy;
  readonly log?: Log;
}

/** An aggregate folded from its stream. */
export interface Loaded<State> {
  readonly state: State;
  /** Revision of the last event folded; -1: the stream has none. */
  readonly revision: number;
}

export interface LoadOptions {
  /** The state as it was: after the event with this revision, or at this time. */
  readonly at?: number | Date;
}

export class EventStore {
  readonly streams: Streams;
  private readonly connection: EventStoreConnection;
  private readonly stored: StoredEvents;
  private readonly snapshots: Snapshots;
  private readonly aggregates: Aggregates;
  private readonly commands: CommandExecution;
  private readonly feeds = new Set<EventFeed>();

  constructor(options: EventStoreOptions) {
    this.connection = new EventStoreConnection(options);
    this.streams = new Streams(this.connection);
    this.stored = new StoredEvents(options.unknownEvents ?? 'fail');
    this.snapshots = new Snapshots(this.streams, options.log ?? silent);
    this.aggregates = new Aggregates(this.streams, this.snapshots, this.stored, options.cachedAggregates ?? 10_000);
    this.commands = new CommandExecution(this.streams, this.aggregates, this.snapshots, this.stored);
  }

  /**
   * Carries out a command on its aggregate. The same command id again gives the first result.
   * @throws DomainError whatever the decider rejects with
   * @throws ConcurrencyConflict after several lost races; WrongExpectedRevision when the caller pinned the revision
   * @throws CommandIdReused when the id was used for another command on this aggregate
   * @throws NotJson, UnregisteredEvent, UnfoldableEvent, TooManyEvents, AppendTooLarge: nothing was appended
   * @throws EvolveFailed, UnknownEvent, UpcastFailed, StreamIsDeleted, EventStoreUnavailable
   */
  execute<State, Cmd extends DomainCommand, Evt extends DomainEvent>(
    decider: Decider<State, Cmd, Evt>,
    command: Cmd,
    options: ExecuteOptions = {},
  ): Promise<CommandResult<Evt>> {
    return this.commands.execute(decider, command, options);
  }

  /**
   * The present state of an aggregate, or an earlier one; the decider's initial state when its stream has no events.
   * @throws EvolveFailed, UnknownEvent, UpcastFailed, StreamIsDeleted, EventStoreUnavailable, InvalidAggregateId
   */
  async load<State, Evt extends DomainEvent>(
    decider: Folding<State, Evt>,
    id: string,
    { at }: LoadOptions = {},
  ): Promise<Loaded<State>> {
    const stream = decider.streamFor(id);
    if (at !== undefined) return this.loadAt(decider, stream, at);
    const { state, revision } = await this.aggregates.load(decider, stream);
    return { state, revision };
  }

  /**
   * What happened to an aggregate, in today's shapes, each event with when, why and by whom. Back-pressured.
   * @throws UnknownEvent, UpcastFailed, StreamIsDeleted, EventStoreUnavailable, InvalidAggregateId
   */
  async *history<Evt extends DomainEvent>(
    decider: Pick<Folding<unknown, Evt>, 'streamFor' | 'schemas'>,
    id: string,
  ): AsyncGenerator<RecordedEvent<Evt>> {
    for await (const recorded of this.streams.read(decider.streamFor(id)))
      yield* this.stored.read<Evt>(decider.schemas, recorded);
  }

  /** Brings events read from {@link streams} to today's shapes. @throws UnknownEvent, UpcastFailed */
  upcast<Evt extends DomainEvent>(
    { schemas }: { readonly schemas: EventSchemas },
    recorded: readonly RecordedEvent[],
  ): RecordedEvent<Evt>[] {
    return this.stored.readAll<Evt>(schemas, recorded);
  }

  /** How many unknown events were skipped (with `unknownEvents: 'skip'`), by `<type>@<version>`. */
  get skippedEvents(): ReadonlyMap<string, number> {
    return this.stored.skippedCounts;
  }

  /**
   * A feed of all events of the streams whose names begin with one of `prefixes`, for any number of consumers.
   * With `schemas` they come in today's shapes.
   */
  feed(prefixes: readonly string[], options: FeedOptions = {}): EventFeed {
    const { schemas } = options;
    const read = schemas && ((recorded: readonly RecordedEvent[]) => this.stored.readAll(schemas, recorded));
    const feed = new EventFeed(this.connection, this.streams, prefixes, { ...options, ...(read && { read }) });
    this.feeds.add(feed);
    return feed;
  }

  /** Stops the feeds, lets snapshots be finished, and closes the connection. */
  async close(): Promise<void> {
    await Promise.all([...this.feeds].map((feed) => feed.close()));
    await this.snapshots.settled();
    await this.connection.close();
  }

  private async loadAt<State, Evt extends DomainEvent>(
    decider: Folding<State, Evt>,
    stream: string,
    at: number | Date,
  ): Promise<Loaded<State>> {
    const isLater = ({ at: place }: RecordedEvent) =>
      typeof at === 'number' ? place.revision > at : place.created.getTime() > at.getTime();
    let loaded: Loaded<State> = { state: decider.initial, revision: noEvents };
    for await (const recorded of this.streams.read(stream)) {
      if (isLater(recorded)) break;
      const events = this.stored.read<Evt>(decider.schemas, recorded);
      loaded = { state: foldRecorded(decider, events, loaded.state), revision: recorded.at.revision };
    }
    return loaded;
  }
}
