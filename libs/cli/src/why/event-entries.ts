/** What stored events tell: commands and what they led to, what was published of it, and every step of the sagas. */
import type { RecordedEvent } from '@annals/event-store';
import { eventEnvelopes } from '@annals/messaging';
import type { ContextMap } from '@annals/nestjs';
import {
  foldInstance,
  isSagaFact,
  timelineEntry,
  type InstanceRow,
  type InstanceSummary,
  type SagaFact,
} from '@annals/sagas';
import type { Chapter, Entry } from './story.js';

/** @param contextOfSaga the context whose saga it is, where that is known */
export function chapterOf(
  events: readonly RecordedEvent[],
  maps: readonly ContextMap[],
  contextOfSaga: (stream: string) => string | undefined,
): Chapter {
  const entries: Entry[] = [];
  const sagas = new Map<string, InstanceRow>();
  const told = new Set<string>();
  for (const recorded of events) {
    const { event, at } = recorded;
    if (isSagaFact(event)) {
      entries.push(...sagaEntries(event, at, contextOfSaga(at.stream) ?? '?'));
      sagas.set(at.stream, foldInstance(sagas.get(at.stream), event, at));
      continue;
    }
    const owner = ownerOf(at.stream, maps);
    // The event store's own, and messages that travel through it: they are told by what they were made of.
    if (!owner) continue;
    entries.push(...domainEntries(recorded, owner, told));
  }
  return { entries, open: [...sagas.values()].flatMap(({ summary }) => openSaga(summary)) };
}

const ownerOf = (stream: string, maps: readonly ContextMap[]): ContextMap | undefined =>
  maps.find(({ deciders, aggregates = [] }) =>
    [...deciders, ...aggregates].some(({ category }) => stream.startsWith(`${category}-`)),
  );

/** @param told commands that were told of already: one may have led to several events */
function domainEntries(recorded: RecordedEvent, map: ContextMap, told: Set<string>): Entry[] {
  const { event, at } = recorded;
  const base = { at: at.created, context: map.name } as const;
  const entries: Entry[] = [];
  const command = `${at.stream} ${at.causationId}`;
  if (at.command !== undefined && !told.has(command))
    entries.push({ ...base, kind: 'command', what: `${at.command}${by(at.actor)}`, id: at.causationId });
  told.add(command);
  entries.push({
    ...base,
    kind: 'event',
    what: `${event.type} in ${at.stream} #${at.revision}`,
    stream: at.stream,
    id: at.id,
  });
  return [...entries, ...messageEntries(recorded, map)];
}

const by = (actor: string | undefined): string => (actor === undefined ? '' : ` by ${actor}`);

/** What its context publishes of an event is a function of the event: it need not be stored to be known. */
function messageEntries(recorded: RecordedEvent, { name, publishes = [] }: ContextMap): Entry[] {
  const concerned = publishes.filter(({ eventType }) => eventType === recorded.event.type);
  const base = { at: recorded.at.created, context: name, kind: 'message' } as const;
  try {
    return eventEnvelopes(name, concerned, recorded).map(({ id, type }) => ({ ...base, what: `tells ${type}`, id }));
  } catch (error) {
    return [{ ...base, what: `cannot be told: ${error instanceof Error ? error.message : String(error)}` }];
  }
}

function sagaEntries(fact: SagaFact, at: RecordedEvent['at'], context: string): Entry[] {
  const entry = timelineEntry(fact, at);
  if (!entry) return [];
  const { kind, text } = entry;
  const verbs = {
    input: 'takes ',
    command: 'sends ',
    outcome: 'hears ',
    wait: '',
    step: '',
    failure: 'failed: ',
    end: 'ends: ',
  };
  const what = `${fact.data.saga}: ${text === 'resumed' ? '' : verbs[kind]}${text}`;
  return [{ at: at.created, context, kind: 'saga', what, stream: at.stream, id: at.id }];
}

function openSaga({ saga, id, state, step, lastError, deadline }: InstanceSummary): string[] {
  const name = `The saga ${saga} of ${id}`;
  const where = step === undefined ? '' : ` at '${step}'`;
  const why = lastError === undefined ? '' : `: ${lastError.message}`;
  switch (state) {
    case 'stuck':
      return [`${name} is stuck${where}${why}. When it is mended: annals sagas retry ${saga} ${id}`];
    case 'failing':
      return [`${name} failed${where} and is tried again${why}`];
    case 'running':
    case 'compensating': {
      const until = deadline === undefined ? '' : `; its deadline is ${deadline.toISOString()}`;
      return [`${name} is ${state}, and waits${where}${until}`];
    }
    case 'compensated-with-failures':
      return [`${name} could not undo everything${why}. Mend by hand what is left.`];
    case 'completed':
    case 'compensated':
    case 'cancelled':
      return [];
  }
}
