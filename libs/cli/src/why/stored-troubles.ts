/** What is kept beside the events when something could not be done with them: parked events, messages, dead letters. */
import type { DeadLetter } from '@annals/messaging';
import { parkedReactions, publisherParkingName, type ParkedReactionOf } from '@annals/nestjs';
import type { ParkedKey, Projections, ReadDatabase } from '@annals/projections';
import type { Chapter, Entry } from './story.js';

/** Events of the conversations that a context's read models, reactors or publisher could not deal with. */
export async function parkedIn(
  context: string,
  projections: Projections,
  database: ReadDatabase,
  correlationIds: readonly string[],
): Promise<Chapter> {
  const concerned = new Set(correlationIds);
  const keys = await projections.parked.list();
  const chapters = await Promise.all(keys.map((key) => parkedKey(context, key, projections, concerned)));
  const reactions = (await parkedReactions(database.pool, correlationIds)).map((each) => parkedReaction(context, each));
  return {
    entries: [...chapters, ...reactions].flatMap(({ entries }) => entries),
    open: [...chapters, ...reactions].flatMap(({ open }) => open),
  };
}

async function parkedKey(
  context: string,
  key: ParkedKey,
  projections: Projections,
  concerned: ReadonlySet<string>,
): Promise<Chapter> {
  const { id, readModel, recorded, attempts, error, parkedAt, waiting } = key;
  const { type } = recorded.event;
  const hint = `When it is mended: annals projections parked retry ${readModel} ${id}`;
  if (concerned.has(recorded.at.correlationId)) {
    const what = `${readModel} parked ${type} after ${tries(attempts)}: ${error}`;
    return {
      entries: [{ at: parkedAt, context, kind: 'parked', what, stream: recorded.at.stream, id: recorded.at.id }],
      open: [`The read model ${readModel} stands still at ${type} of ${recorded.at.stream}: ${error}. ${hint}`],
    };
  }
  if (waiting === 0) return { entries: [], open: [] };
  const { behind } = await projections.parked.show(readModel, id);
  const mine = behind.filter(({ at }) => concerned.has(at.correlationId));
  return {
    entries: [],
    open: mine.map(
      ({ event, at }) =>
        `The read model ${readModel} holds ${event.type} of ${at.stream} behind another event. ${hint}`,
    ),
  };
}

function parkedReaction(context: string, parked: ParkedReactionOf): Chapter {
  const { id, reactor, eventType, stream, eventId, error, attempts, parkedAt } = parked;
  const isPublisher = reactor === publisherParkingName;
  const who = isPublisher ? 'the publisher' : `the reactor ${reactor}`;
  const what =
    error === undefined
      ? `${who} holds ${eventType} behind another event`
      : `${who} parked ${eventType} after ${tries(attempts)}: ${error}`;
  const hint = isPublisher ? ` When it is mended: annals messages parked retry ${context} ${id}` : '';
  return {
    entries: [{ at: parkedAt, context, kind: 'parked', what, stream, id: eventId }],
    open: [`In ${context}, ${what}.${hint}`],
  };
}

/** Messages of the conversations that a context gave up. */
export function deadLettersOf(letters: readonly DeadLetter[], correlationIds: readonly string[]): Chapter {
  const mine = letters.filter(({ body }) => correlationIds.includes(correlationOf(body) ?? ''));
  return {
    entries: mine.map(({ context, message, error, tries: count, failedAt, id }): Entry => {
      const what = `gave up ${message.type ?? 'a message'} after ${tries(count)}: ${error.message}`;
      return { at: new Date(failedAt), context, kind: 'dead letter', what, id };
    }),
    open: mine.map(
      ({ context, message, id }) =>
        `${context} gave up ${message.type ?? 'a message'}. When it is mended: annals messages dead replay ${id}`,
    ),
  };
}

const tries = (count: number): string => (count === 1 ? 'one try' : `${count} tries`);

/** Undefined for what is no envelope. */
function correlationOf(body: string): string | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return undefined;
  }
  const { correlationid } = (parsed ?? {}) as { correlationid?: unknown };
  return typeof correlationid === 'string' ? correlationid : undefined;
}
