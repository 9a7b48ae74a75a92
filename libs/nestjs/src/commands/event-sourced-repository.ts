/**
 * Loads and saves aggregates that extend @nestjs/cqrs' `AggregateRoot`, so that code written for it moves over by
 * swapping its repository. Their `commit()` is awaited: it appends, with the revision that was loaded as the expected
 * one, and only then publishes to the EventBus.
 */
import { randomUUID } from 'node:crypto';
import { assertJson, currentContext, eventId, fullJitterMs, pause } from '@annals/core';
import {
  ConcurrencyConflict,
  EventStore,
  noEvents,
  WrongExpectedRevision,
  type EventToAppend,
  type RecordedEvent,
  type StoredMetadata,
} from '@annals/event-store';
import type { AggregateRoot, EventBus } from '@nestjs/cqrs';
import { AutoCommitNotSupported, NotFound } from '../errors.js';
import type { AggregateDefinition } from './aggregate.js';

/** What a commit came to. */
export interface Committed {
  readonly stream: string;
  /** Of the last event; -1: the aggregate has none. */
  readonly revision: number;
  /** How many events were appended; 0 also when the command had been carried out before. */
  readonly appended: number;
}

/** A loaded aggregate. */
export type Sourced<Root extends AggregateRoot> = {
  /** Appends what was applied since the load, then publishes it. @throws WrongExpectedRevision, NotJson, UnregisteredEvent */
  commit(): Promise<Committed>;
} & Root;

interface Tracked {
  readonly stream: string;
  revision: number;
  /** Ids of the commands that the stream reflects. */
  readonly handled: Set<string>;
}

const maxAttempts = 8;
const backoff = { firstMs: 5, maxMs: 250 };

export class EventSourcedRepository<Root extends AggregateRoot> {
  private readonly tracked = new WeakMap<object, Tracked>();

  constructor(
    private readonly definition: AggregateDefinition<Root>,
    private readonly store: EventStore,
    private readonly events: EventBus,
  ) {}

  /**
   * The aggregate with this id; a new one when it has no events.
   * @throws InvalidAggregateId, UnknownEvent, UpcastFailed, StreamIsDeleted, EventStoreUnavailable
   */
  async load(id: string): Promise<Sourced<Root>> {
    const { definition } = this;
    const stream = definition.streamFor(id);
    const recorded = await this.store.streams.readToEnd(stream);
    const root = definition.create(id);
    root.loadFromHistory(this.store.upcast(definition, recorded).map(({ event }) => definition.toInstance(event)));
    const handled = new Set(recorded.map(({ at }: RecordedEvent) => at.causationId));
    return this.track(root, { stream, revision: recorded.at(-1)?.at.revision ?? noEvents, handled });
  }

  /** As {@link load}. @throws NotFound when there is no such aggregate */
  async get(id: string): Promise<Sourced<Root>> {
    const root = await this.load(id);
    if (this.revisionOf(root) === noEvents)
      throw new NotFound(`There is no ${this.definition.category} '${id}'. Check the id.`);
    return root;
  }

  /** Revision that the aggregate was loaded or committed at; -1: it has no events. */
  revisionOf(root: Root): number {
    return this.tracked.get(root)?.revision ?? noEvents;
  }

  /**
   * Loads, lets `change` do its work, and commits; when somebody was faster, all of it again, a few times.
   * @throws ConcurrencyConflict
   */
  async update(id: string, change: (root: Root) => void | Promise<void>): Promise<Committed> {
    for (let attempt = 1; ; attempt++) {
      const root = await this.load(id);
      await change(root);
      try {
        return await root.commit();
      } catch (error) {
        if (!(error instanceof WrongExpectedRevision)) throw error;
        if (attempt === maxAttempts)
          throw new ConcurrencyConflict(error.stream, `update of ${this.definition.root.name}`, attempt, error.actual);
        await pause(fullJitterMs(attempt, backoff));
      }
    }
  }

  private track(root: Root, tracked: Tracked): Sourced<Root> {
    this.tracked.set(root, tracked);
    return Object.assign(root, {
      commit: () => this.commit(root, tracked),
      publish: () => {
        throw new AutoCommitNotSupported(this.definition.root.name);
      },
    });
  }

  private async commit(root: Root, tracked: Tracked): Promise<Committed> {
    const { stream } = tracked;
    const uncommitted = [...root.getUncommittedEvents()];
    const commandId = currentContext()?.causationId ?? randomUUID();
    if (uncommitted.length === 0 || tracked.handled.has(commandId)) {
      root.uncommit();
      return { stream, revision: tracked.revision, appended: 0 };
    }
    const events = this.prepare(uncommitted, tracked, commandId);
    const { revision } = await this.store.streams.append(stream, events, tracked.revision);
    root.uncommit();
    tracked.revision = revision;
    await this.events.publishAll(uncommitted, root);
    return { stream, revision, appended: events.length };
  }

  private prepare(uncommitted: readonly object[], { stream, revision }: Tracked, commandId: string): EventToAppend[] {
    const { definition } = this;
    const context = currentContext();
    const metadata: StoredMetadata = {
      $correlationId: context?.correlationId ?? commandId,
      $causationId: commandId,
      ...(context?.actor !== undefined && { actor: context.actor }),
    };
    return uncommitted.map((given, index) => {
      const event = definition.toStored(given);
      assertJson(event.data, `${event.type}.data`);
      const version = definition.schemas.versionOf(event.type);
      return {
        id: eventId(stream, commandId, revision + 1 + index),
        event,
        metadata: version === 1 ? metadata : { ...metadata, schemaVersion: version },
      };
    });
  }
}
