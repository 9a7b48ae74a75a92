/** The map of a bounded context: all that it is made of, as one list; and the check that it fits together. */
import { CodedError, EventRegistry, type AnyCommandClass, type AnyDecider, type EventOwner } from '@annals/core';
import type { Consumption, Publication } from '@annals/messaging';
import type { AnyReadModel } from '@annals/projections';
import type { Type } from '@nestjs/common';
import type { AggregateDefinition } from './commands/aggregate.js';
import type { MiddlewareEntry } from './commands/middleware.js';
import type { Reactor } from './commands/reactor.js';
import { InvalidContextMap } from './errors.js';

/** Injection token of the {@link ContextMap}. */
export const CONTEXT_MAP = Symbol('ContextMap');

export interface ContextMap {
  /** Name of the context in kebab-case: its database, the source of its messages, the beginning of its contracts. */
  readonly name: string;
  readonly deciders: readonly AnyDecider[];
  /** Aggregates written as classes; each gets an injectable repository (see `InjectAggregate`). */
  readonly aggregates?: readonly AggregateDefinition[];
  /** All commands that the context takes; when given, none may lack a handler, and no handler may stand beside the list. */
  readonly commands?: readonly AnyCommandClass[];
  /** What happens around each command; the first is the outermost. */
  readonly middleware?: readonly MiddlewareEntry[];
  /** `@EventsHandler` classes that get every event, at least once and in stream order. */
  readonly reactors?: readonly Reactor[];
  readonly readModels?: readonly AnyReadModel[];
  /** Injectable classes with `@DurableSaga` members. */
  readonly sagas?: readonly Type<object>[];
  readonly publishes?: readonly Publication[];
  readonly consumes?: readonly Consumption[];
}

const namePattern = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

/** @throws InvalidContextMap naming everything that is wrong, each with its mend */
export function checkMap(map: ContextMap): void {
  const problems = [...mistakes(map)];
  if (problems.length > 0) throw new InvalidContextMap(map.name, problems);
}

/** All that owns streams. */
export const eventOwners = ({ deciders, aggregates = [] }: ContextMap): readonly EventOwner[] => [
  ...deciders,
  ...aggregates,
];

function* mistakes(map: ContextMap): Generator<string> {
  const { name, deciders, readModels = [], publishes = [], consumes = [], reactors = [] } = map;
  if (!namePattern.test(name)) yield `The name '${name}' is not kebab-case. Use for instance 'orders' or 'gift-cards'.`;

  for (const category of repeated(eventOwners(map).map((owner) => owner.category)))
    yield `Two deciders have the category '${category}'. A category's streams have one owner: rename one.`;
  for (const type of repeated(deciders.flatMap((decider) => decider.commandTypes)))
    yield `The command ${type} has two deciders. Remove it from one of them, or rename one command.`;

  let registry: EventRegistry;
  try {
    registry = new EventRegistry(eventOwners(map));
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    yield error.message;
    return;
  }
  const unknown = (where: string, type: string) =>
    `${where} names the event ${type}, which no decider of this context has. Known: ${registry.types().join(', ')}.`;

  for (const readModel of repeated(readModels.map((model) => model.name)))
    yield `Two read models are called '${readModel}'. Rename one.`;
  for (const { name: readModel, eventTypes } of readModels)
    for (const type of eventTypes) if (!registry.has(type)) yield unknown(`The read model '${readModel}'`, type);
  for (const reactor of repeated(reactors.map((each) => each.name)))
    yield `Two reactors are called '${reactor}'. Rename one.`;
  for (const { name: reactor, eventClasses } of reactors)
    for (const { type } of eventClasses)
      if (type !== undefined && !registry.has(type)) yield unknown(`The reactor '${reactor}'`, type);
  for (const { eventType } of publishes) if (!registry.has(eventType)) yield unknown(`'publishes'`, eventType);
  for (const type of repeated(consumes.map(({ contract }) => contract.type)))
    yield `'consumes' has two entries for ${type}. Let one entry return both commands.`;
}

/** What stands in a list more than once, each named once. */
const repeated = (names: readonly string[]): Set<string> =>
  new Set(names.filter((name, index) => names.indexOf(name) !== index));
