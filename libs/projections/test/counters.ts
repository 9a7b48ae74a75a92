/** Counters: rows that show every event they were folded from, so that one too many or too few is seen. */
import { randomUUID } from 'node:crypto';
import type { DomainEvent } from '@annals/core';
import { EventStore } from '@annals/event-store';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { connectReadDatabase, Projections, readModel, type ReadDatabase } from '../src/index.js';

export type Counted = DomainEvent<'Counted', { id: string; number: number }>;

@Entity('counter')
export class Counter {
  @PrimaryColumn('text')
  id!: string;
  @Column('int')
  count!: number;
  @Column('jsonb')
  seen!: number[];
}

/** As in instance-process.mjs. */
export const counters = readModel<Counter, Counted>(Counter, {
  name: 'counters',
  version: 1,
  partitions: 4,
  key: ({ data }) => data.id,
  on: {
    Counted: (row, { data }) => ({
      id: data.id,
      count: (row?.count ?? 0) + 1,
      seen: [...(row?.seen ?? []), data.number],
    }),
  },
});

export interface CounterApp {
  readonly projections: Projections;
  readonly database: ReadDatabase;
  readonly store: EventStore;
  rows(): Promise<Counter[]>;
  /** Counts with all of `ids` in turn, numbers from `from` on. @returns the position of the last event */
  count(ids: readonly string[], from: number, events: number): Promise<bigint>;
  stop(): Promise<void>;
}

export async function counterApp(eventStoreUrl: string, databaseUrl: string): Promise<CounterApp> {
  const readModels = [counters];
  const store = new EventStore({ url: eventStoreUrl });
  const database = await connectReadDatabase({ url: databaseUrl, context: 'counters', readModels });
  const feed = store.feed(['counter-']);
  const projections = new Projections({ database, context: 'counters', feed, store, readModels });
  return {
    ...{ projections, database, store },
    rows: () => database.queries.getRepository(Counter).find({ order: { id: 'asc' } }),
    async count(ids, from, events) {
      let position = -1n;
      for (let number = from; number < from + events; number++) {
        const id = ids[number % ids.length] ?? '';
        const event = { type: 'Counted', data: { id, number } };
        const appended = await store.streams.append(
          `counter-${id}`,
          [{ id: randomUUID(), event, metadata: {} }],
          'any',
        );
        position = appended.position;
      }
      return position;
    },
    async stop() {
      await projections.stop();
      await store.close();
      await database.close();
    },
  };
}

/** What the rows must be after `events` were counted. */
export const expectedCounters = (ids: readonly string[], events: number): Counter[] =>
  ids
    .map((id, index) => {
      const seen = Array.from({ length: events }, (_, number) => number).filter(
        (number) => number % ids.length === index,
      );
      return { id, count: seen.length, seen };
    })
    .filter(({ count }) => count > 0)
    .sort((one, other) => (one.id < other.id ? -1 : 1));
