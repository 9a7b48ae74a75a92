/** Gathers the story from wherever it is stored. A part that is away leaves a gap, and is named. */
import type { ContextMap } from '@annals/nestjs';
import { declaredSagasOf, sagaStream } from '@annals/sagas';
import { contextMaps, withProjections } from '../contexts/contexts.js';
import { withEventStore, withTransport } from '../contexts/working-parts.js';
import { NothingKnownAbout } from '../errors.js';
import type { Invocation } from '../invocation.js';
import { conversationsAbout } from './conversations.js';
import { chapterOf } from './event-entries.js';
import { deadLettersOf, parkedIn } from './stored-troubles.js';
import { joined, type Chapter, type Story } from './story.js';

/** More dead letters than anybody should have. */
const maxDeadLetters = 1_000;

/** @throws NothingKnownAbout; EventStoreUnavailable; NoWorkspace, AppNotBuilt */
export async function gatherStory(about: string, invocation: Invocation): Promise<Story> {
  const maps = await contextMaps(invocation);
  const categories = maps.flatMap(({ deciders, aggregates = [] }) =>
    [...deciders, ...aggregates].map(({ category }) => category),
  );
  const { correlationIds, events } = await withEventStore(invocation, (store) =>
    conversationsAbout(store, about, categories),
  );
  const missing: string[] = [];
  const unless = async (what: string, look: () => Promise<Chapter>): Promise<Chapter> => {
    try {
      return await look();
    } catch (error) {
      missing.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
      return { entries: [], open: [] };
    }
  };
  const happened = chapterOf(events, maps, (stream) => ownerOfSaga(stream, maps));
  const troubles = await Promise.all([
    ...maps.map((map) =>
      unless(`what ${map.name} has parked`, () =>
        withProjections(map, invocation, (projections, database) =>
          parkedIn(map.name, projections, database, correlationIds),
        ),
      ),
    ),
    unless('dead letters', async () => {
      const list = await withTransport(invocation, ({ deadLetters }) => deadLetters.list({ limit: maxDeadLetters }));
      return deadLettersOf(list, correlationIds.length > 0 ? correlationIds : [about]);
    }),
  ]);
  const { entries, open } = joined([happened, ...troubles]);
  if (entries.length === 0) throw new NothingKnownAbout(about);
  return { about, correlationIds, entries, open, missing };
}

const ownerOfSaga = (stream: string, maps: readonly ContextMap[]): string | undefined =>
  maps.find(({ sagas = [] }) =>
    sagas.some((holder) => declaredSagasOf(holder).some((name) => stream.startsWith(sagaStream(name, '')))),
  )?.name;
