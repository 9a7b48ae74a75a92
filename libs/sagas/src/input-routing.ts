/** Which instances of a saga an event is for. */
import type { DomainEvent } from '@annals/core';
import { Uncorrelated } from './errors.js';
import type { SagaDefinition } from './saga-definition.js';

/** Instances by id, each with the versions of the saga that say so; only an instance of one of them is meant. */
export type Route = ReadonlyMap<string, ReadonlySet<number>>;

const maxLength = 200;

/**
 * @param versions all registered versions of one saga
 * @param kind integration events reach only those who name them; domain events also those who name none
 * @throws Uncorrelated when `correlateBy` throws or gives something that cannot be an id
 */
export function routeOf(
  versions: readonly SagaDefinition[],
  event: DomainEvent,
  eventId: string,
  kind: 'event' | 'integration',
): Route {
  const route = new Map<string, Set<number>>();
  for (const definition of versions) {
    if (!(definition.on?.has(event.type) ?? kind === 'event')) continue;
    const id = correlated(definition, event, eventId);
    if (id !== undefined) route.set(id, (route.get(id) ?? new Set()).add(definition.version));
  }
  return route;
}

function correlated({ name, correlateBy }: SagaDefinition, event: DomainEvent, eventId: string): string | undefined {
  let id: unknown;
  try {
    id = correlateBy(event);
  } catch (cause) {
    throw new Uncorrelated(name, event.type, eventId, `an error (${String(cause)})`, { cause });
  }
  if (id === undefined || (typeof id === 'string' && id.length > 0 && id.length <= maxLength)) return id;
  throw new Uncorrelated(
    name,
    event.type,
    eventId,
    typeof id === 'string' ? `a text of ${id.length} characters` : `${JSON.stringify(id)}`,
  );
}
