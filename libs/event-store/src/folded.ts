/** Folding stored events into states. */
import type { DomainEvent, Folding } from '@annals/core';
import { EvolveFailed } from './errors.js';
import { HandledCommands } from './handled-commands.js';
import { noEvents, type RecordedEvent } from './recorded-event.js';

/** The state of an aggregate after the event with this revision and id. */
export interface Folded<State> {
  readonly state: State;
  /** Of the last event folded; {@link noEvents} before the first. */
  readonly revision: number;
  /** Id of the last event folded: tells whether the stream is still the one that was folded. */
  readonly lastId: string | undefined;
  readonly handled: HandledCommands;
  /** Revision that the newest snapshot covers, as far as it is known here. */
  readonly snapshotRevision: number;
}

export const unfolded = <State>(initial: State): Folded<State> => ({
  state: initial,
  revision: noEvents,
  lastId: undefined,
  handled: new HandledCommands(),
  snapshotRevision: noEvents,
});

/** @throws EvolveFailed naming the event that cannot be folded */
export function foldRecorded<State, Evt extends DomainEvent>(
  { initial, evolve }: Pick<Folding<State, Evt>, 'initial' | 'evolve'>,
  recorded: Iterable<RecordedEvent<Evt>>,
  state: State = initial,
): State {
  let folded = state;
  for (const { event, at } of recorded) {
    try {
      folded = evolve(folded, event);
    } catch (cause) {
      throw new EvolveFailed(at.stream, at.revision, event.type, { cause });
    }
  }
  return folded;
}
