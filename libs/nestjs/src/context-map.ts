/** The map of a bounded context: all that it is made of, as one list; and the check that it fits together. */
import { CodedError, EventRegistry, type AnyDecider } from '@annals/core';
import type { Consumption, Publication } from '@annals/messaging';
import type { AnyReadModel } from '@annals/projections';
import type { Type } from '@nestjs/common';
import { InvalidContextMap } from './errors.js';

/** Injection token of the {@link ContextMap}. */
export const CONTEXT_MAP = Symbol('ContextMap');

export interface ContextMap {
  /** Name of the context in kebab-case: its database, the source of its messages, the beginning of its contracts. */
  readonly name: string;
  readonly deciders: readonly AnyDecider[];
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

function* mistakes({ name, deciders, readModels = [], publishes = [], consumes = [] }: ContextMap): Generator<string> {
  if (!namePattern.test(name)) yield `The name '${name}' is not kebab-case. Use for instance 'orders' or 'gift-cards'.`;

  for (const category of repeated(deciders.map((decider) => decider.category)))
    yield `Two deciders have the category '${category}'. A category's streams have one owner: rename one.`;
  for (const type of repeated(deciders.flatMap((decider) => decider.commandTypes)))
    yield `The command ${type} has two deciders. Remove it from one of them, or rename one command.`;

  let registry: EventRegistry;
  try {
    registry = new EventRegistry(deciders);
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
  for (const { eventType } of publishes) if (!registry.has(eventType)) yield unknown(`'publishes'`, eventType);
  for (const type of repeated(consumes.map(({ contract }) => contract.type)))
    yield `'consumes' has two entries for ${type}. Let one entry return both commands.`;
}

/** What stands in a list more than once, each named once. */
const repeated = (names: readonly string[]): Set<string> =>
  new Set(names.filter((name, index) => names.indexOf(name) !== index));
