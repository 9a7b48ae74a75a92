/** Gathers the story from wherever it is stored. A part that is away leaves a gap, and is named. */
import { EventStore } from '@annals/event-store';
import type { DeadLetter } from '@annals/messaging';
import type { ContextMap } from '@annals/nestjs';
import type { ReadDatabase } from '@annals/projections';
import { contextMaps, withProjections } from '../contexts/contexts.js';
import { withTransport } from '../contexts/working-parts.js';
import { urlOf } from '../parts/parts.js';
import { NothingKnownAbout } from '../errors.js';
import type { Invocation } from '../invocation.js';
import { conversationsAbout, type Conversations } from './conversations.js';
import { chapterOf } from './event-entries.js';
import { deadLettersOf, parkedIn } from './stored-troubles.js';
import { joined, type Chapter, type Story } from './story.js';

/** More dead letters than anybody should have. */
const maxDeadLetters = 1_000;

/** @throws NothingKnownAbout; EventStoreUnavailable; NoWorkspace, AppNotBuilt */
export async function gatherStory(about: string, invocation: Invocation): Promise<Story> {
  const maps = await contextMaps(invocation);
  const store = new EventStore({ url: urlOf(invocation, 'EVENTSTORE_URL') });
  try {
    const categories = maps.flatMap(({ deciders, aggregates = [] }) =>
      [...deciders, ...aggregates].map(({ category }) => category),
    );
    const conversations = await conversationsAbout(store, about, categories);
    const { correlationIds } = conversations;
    const missing: string[] = [];
    const troubles = await besideEvents(conversations, maps, invocation, missing);
    const letters = await unless(missing, 'dead letters', () => deadLetters(invocation));
    const chapters = [
      chapterOf(conversations.events, maps, (stream) => troubles.sagas.get(stream)),
      troubles.chapter,
      deadLettersOf(letters ?? [], correlationIds.length > 0 ? correlationIds : [about]),
    ];
    const { entries, open } = joined(chapters);
    if (entries.length === 0) throw new NothingKnownAbout(about);
    return { about, correlationIds, entries, open, missing };
  } finally {
    await store.close();
  }
}

/** What the contexts keep in their databases. */
async function besideEvents(
  { correlationIds, events }: Conversations,
  maps: readonly ContextMap[],
  invocation: Invocation,
  missing: string[],
): Promise<{ readonly chapter: Chapter; readonly sagas: ReadonlyMap<string, string> }> {
  const streams = [...new Set(events.map(({ at }) => at.stream))].filter((stream) => stream.startsWith('saga-'));
  const sagas = new Map<string, string>();
  const chapters = await Promise.all(
    maps.map((map) =>
      unless(missing, `what ${map.name} has parked`, () =>
        withProjections(map, invocation, async (projections, database) => {
          for (const stream of await sagasIn(database, streams)) sagas.set(stream, map.name);
          return parkedIn(map.name, projections, database, correlationIds);
        }),
      ),
    ),
  );
  return { chapter: joined(chapters.filter((chapter) => chapter !== undefined)), sagas };
}

/** Those of the streams that belong to sagas of the context of this database. */
async function sagasIn({ pool }: ReadDatabase, streams: readonly string[]): Promise<string[]> {
  const { rows: tables } = await pool.query<{ table: string | null }>(
    `select to_regclass('annals.saga_instance')::text as table`,
  );
  if (tables[0]?.table == null) return [];
  const { rows } = await pool.query<{ stream: string }>(
    'select stream from annals.saga_instance where stream = any($1)',
    [streams],
  );
  return rows.map(({ stream }) => stream);
}

const deadLetters = (invocation: Invocation): Promise<DeadLetter[]> =>
  withTransport(invocation, ({ deadLetters: letters }) => letters.list({ limit: maxDeadLetters }));

async function unless<Result>(
  missing: string[],
  what: string,
  look: () => Promise<Result>,
): Promise<Result | undefined> {
  try {
    return await look();
  } catch (error) {
    missing.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}
