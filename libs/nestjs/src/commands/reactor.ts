/** Durable `@EventsHandler` classes: work that follows from events, done at least once and in stream order. */
import type { Backoff } from '@annals/core';
import type { EventContext } from '@annals/event-store';
import type { Type } from '@nestjs/common';
import { InvalidReactor } from '../errors.js';

/** Key under which @nestjs/cqrs keeps the classes of `@EventsHandler(...)`; it does not export it. */
const handledEvents = '__eventsHandler__';

/** An `@EventsHandler` class; it is also told where and when the event was recorded. `at.id` makes its work idempotent. */
export interface DurableEventHandler {
  handle(event: never, at: EventContext): void | Promise<void>;
}

export interface ReactorRetry {
  /** How often an event is tried in all before it is parked; default 5. */
  readonly attempts: number;
  readonly backoff: Backoff;
}

export interface ReactorDefinition {
  /** Names its checkpoint and its parked events: keep it. */
  readonly name: string;
  /** An injectable `@EventsHandler(...)` class among the module's providers. It is then no longer called by the EventBus. */
  readonly on: Type<DurableEventHandler>;
  readonly retry?: Partial<ReactorRetry>;
}

export interface Reactor {
  readonly name: string;
  readonly handler: Type<DurableEventHandler>;
  readonly eventClasses: readonly (Type<object> & { readonly type?: string })[];
  readonly retry: ReactorRetry;
}

/** For the map's `reactors`. @throws InvalidReactor */
export function reactor({ name, on, retry }: ReactorDefinition): Reactor {
  const eventClasses = (Reflect.getMetadata(handledEvents, on) ?? []) as Reactor['eventClasses'];
  if (eventClasses.length === 0) throw new InvalidReactor(name, `${on.name} has no @EventsHandler(...)`);
  return {
    name,
    handler: on,
    eventClasses,
    retry: { attempts: 5, backoff: { firstMs: 100, maxMs: 5_000 }, ...retry },
  };
}
