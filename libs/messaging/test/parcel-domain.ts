/** A context for tests, with one decider whose events are published. */
import { Command, decider, Event, type DomainEvent } from '@annals/core';
import { publish } from '../src/index.js';
import { ParcelMoved, ParcelTaken } from './contracts.js';

export class Taken extends Event('Taken')<{ parcelId: string }> {}
export class Moved extends Event('Moved')<{ parcelId: string; step: number }> {}
export class Take extends Command('Take')<{ parcelId: string }> {}
export class Move extends Command('Move')<{ parcelId: string; step: number }> {}

export const parcel = decider<{ moves: number }, Take | Move, Taken | Moved>({
  category: 'parcel',
  initial: { moves: 0 },
  decide: {
    Take: (_, { data }) => [new Taken(data)],
    Move: (_, { data }) => [new Moved(data)],
  },
  evolve: {
    Taken: (state) => state,
    Moved: ({ moves }) => ({ moves: moves + 1 }),
  },
});

/** `Taken` becomes one message; a move becomes two of different types, or none when its step is negative. */
export const publications = [
  publish(Taken, ({ data }) => new ParcelTaken({ ...data, step: 0 })),
  publish(Moved, ({ data }): DomainEvent[] =>
    data.step < 0 ? [] : [new ParcelMoved(data), new ParcelTaken({ ...data, step: -data.step })],
  ),
];
