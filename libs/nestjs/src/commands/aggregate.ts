/** Aggregates written as classes that extend @nestjs/cqrs' `AggregateRoot`, and how their events are stored. */
import { isDeepStrictEqual } from 'node:util';
import { assertCategory, EventSchemas, streamOf, type DomainEvent, type SchemaDefinition } from '@annals/core';
import { UnregisteredEvent } from '@annals/event-store';
import { Inject, type Type } from '@nestjs/common';
import type { AggregateRoot } from '@nestjs/cqrs';

export interface AggregateOptions<Root extends AggregateRoot> extends Omit<SchemaDefinition, 'types'> {
  /** First part of the stream names `<category>-<id>`. */
  readonly category: string;
  /** The stored name of each event class; it stays when the class is renamed. */
  readonly events: Readonly<Record<string, Type<object>>>;
  /** Makes an aggregate without events; default: `new Root(id)`. */
  readonly create?: (id: string) => Root;
}

/** What the map's `aggregates` holds; made by {@link aggregate}. */
export interface AggregateDefinition<Root extends AggregateRoot = AggregateRoot> {
  readonly root: Type<Root>;
  readonly category: string;
  readonly eventTypes: readonly string[];
  readonly schemas: EventSchemas;
  create(id: string): Root;
  /** @throws InvalidAggregateId */
  streamFor(id: string): string;
  /** @throws UnregisteredEvent */
  toStored(event: object): DomainEvent;
  /** The event as an instance of its class. @throws UnregisteredEvent */
  toInstance(stored: DomainEvent): object;
}

type Tagged = { readonly type: string; readonly data: unknown };
const isTagged = (event: object): event is Tagged => isDeepStrictEqual(Object.keys(event).sort(), ['data', 'type']);

/**
 * `aggregate(Order, { category: 'order', events: { OrderPlaced: OrderPlacedEvent } })`. The properties of an event are
 * what is stored, so they must be plain JSON.
 * @throws InvalidCategory, InvalidEventSchemas
 */
export function aggregate<Root extends AggregateRoot>(
  root: Type<Root>,
  { category, events, create, ...versions }: AggregateOptions<Root>,
): AggregateDefinition<Root> {
  assertCategory(category);
  const eventTypes = Object.keys(events);
  const typeOf = new Map<unknown, string>(Object.entries(events).map(([type, eventClass]) => [eventClass, type]));
  const classOf = new Map<string, Type<object>>(Object.entries(events));
  return {
    root,
    category,
    eventTypes,
    schemas: new EventSchemas({ ...versions, types: eventTypes }),
    create: create ?? ((id) => new root(id)),
    streamFor: (id) => streamOf(category, id),
    toStored(event) {
      const type = typeOf.get(event.constructor);
      if (type === undefined) throw new UnregisteredEvent(category, event.constructor.name);
      return { type, data: isTagged(event) ? event.data : { ...event } };
    },
    toInstance({ type, data }) {
      const eventClass = classOf.get(type);
      if (!eventClass) throw new UnregisteredEvent(category, type);
      const isTaggedClass = typeof (eventClass as { type?: unknown }).type === 'string';
      return Object.assign(
        Object.create(eventClass.prototype as object) as object,
        isTaggedClass ? { type, data } : data,
      );
    },
  };
}

const tokens = new WeakMap<Type<AggregateRoot>, symbol>();

/** Injection token of the repository of an aggregate class. */
export function repositoryToken(root: Type<AggregateRoot>): symbol {
  const token = tokens.get(root) ?? Symbol(`EventSourcedRepository<${root.name}>`);
  tokens.set(root, token);
  return token;
}

/** `@InjectAggregate(Order) private readonly orders: EventSourcedRepository<Order>` */
export const InjectAggregate = (root: Type<AggregateRoot>): ReturnType<typeof Inject> => Inject(repositoryToken(root));
