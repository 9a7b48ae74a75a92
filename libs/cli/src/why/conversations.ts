/** Finds the events of a conversation in the store. */
import type { EventStore, RecordedEvent } from '@annals/event-store';

export interface Conversations {
  readonly correlationIds: readonly string[];
  /** In the order in which they were recorded. */
  readonly events: readonly RecordedEvent[];
}

/**
 * @param about a correlation id, or the id of an aggregate (then all conversations that changed it)
 * @param categories of all contexts
 */
export async function conversationsAbout(
  store: EventStore,
  about: string,
  categories: readonly string[],
): Promise<Conversations> {
  const ofAggregates = await Promise.all(categories.map((category) => store.streams.readToEnd(`${category}-${about}`)));
  const correlationIds = new Set(ofAggregates.flat().map(({ at }) => at.correlationId));
  if (correlationIds.size === 0) correlationIds.add(about);
  const events = await eventsOf(store, correlationIds);
  return { correlationIds: events.length > 0 ? [...correlationIds] : [], events };
}

async function eventsOf(store: EventStore, correlationIds: ReadonlySet<string>): Promise<RecordedEvent[]> {
  const linked = await Promise.all(
    [...correlationIds].map((id) => store.streams.readToEnd(`$bc-${id}`, { resolveLinks: true })),
  );
  const events = linked.flat();
  if (events.length > 0 || (await hasStandardProjections(store))) return events;
  // A store that does not keep events by their conversation has to be read whole.
  for await (const recorded of store.streams.readAll())
    if (correlationIds.has(recorded.at.correlationId)) events.push(recorded);
  return events;
}

/** Whether the store makes `$bc-…` and the like: the embedded one does, EventStoreDB where it is told to. */
const hasStandardProjections = async (store: EventStore): Promise<boolean> =>
  (await store.streams.readToEnd('$streams', { maxCount: 1 })).length > 0;
