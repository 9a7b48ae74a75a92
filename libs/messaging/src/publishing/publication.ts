/** Entries of the map's `publishes`: what others may know of a domain event, and in which words. */
import type { AnyEventClass, DomainEvent } from '@annals/core';
import type { EventContext } from '@annals/event-store';

/** What becomes of an event: one integration event, several, or none. */
export type Published = DomainEvent | readonly DomainEvent[] | undefined;

export interface Publication {
  /** The domain event that it publishes. */
  readonly eventType: string;
  messages(event: DomainEvent, at: EventContext): readonly DomainEvent[];
}

/**
 * Publishes a domain event as instances of contracts. `map` must give the same for the same event whenever it is asked,
 * because after a crash it is asked again.
 */
export function publish<E extends DomainEvent>(
  event: AnyEventClass<E>,
  map: (event: E, at: EventContext) => Published,
): Publication {
  return {
    eventType: event.type,
    messages(recorded, at) {
      const published = map(recorded as E, at);
      if (published === undefined) return [];
      return Array.isArray(published) ? (published as readonly DomainEvent[]) : [published as DomainEvent];
    },
  };
}
