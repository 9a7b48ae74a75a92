/** given/then for read models: events in, rows out. Pure by default; the same spec runs on a real Postgres. */
import { isDeepStrictEqual } from 'node:util';
import { deterministicId, type DomainEvent } from '@annals/core';
import type { EventContext, RecordedEvent } from '@annals/event-store';
import { connectReadDatabase, foldInMemory, foldInPostgres, type ReadModel } from '@annals/projections';

/** An event, or an event with those parts of its context that the spec is about. */
export type GivenEvent<E extends DomainEvent> = E | { readonly event: E; readonly at: Partial<EventContext> };

export interface RowsThen<Entity extends object> {
  /** These rows and no others, in any order. */
  thenRows(...expected: readonly Entity[]): Promise<void>;
  /** No rows at all. */
  thenNoRows(): Promise<void>;
  /** The rows, ordered by primary key, for whatever else is to be said of them. */
  rows(): Promise<Entity[]>;
}

export interface ReadModelSpecOptions {
  /** The URL of a database (`testPostgres()`): the events go through a real table, each in a transaction of its own. */
  readonly postgres?: string;
}

/**
 * `const given = readModelSpecification(orderSummary); await given(placed, cancelled).thenRows({ orderId: '1', … })`
 * An event whose context is not given was recorded a second after the one before, from 2030-01-01T00:00:00Z on. What a
 * handler throws, the spec throws.
 */
export const readModelSpecification =
  <Entity extends object, E extends DomainEvent>(
    model: ReadModel<Entity, E>,
    { postgres }: ReadModelSpecOptions = {},
  ) =>
  (...given: readonly GivenEvent<E>[]): RowsThen<Entity> => {
    const events = given.map(record);
    const rows = () =>
      postgres === undefined ? foldInMemory(model, events) : throughPostgres(model, events, postgres);
    const thenRows = async (...expected: readonly Entity[]) => mustEqual(await rows(), expected);
    return { rows, thenRows, thenNoRows: () => thenRows() };
  };

async function throughPostgres<Entity extends object, E extends DomainEvent>(
  model: ReadModel<Entity, E>,
  events: readonly RecordedEvent<E>[],
  url: string,
): Promise<Entity[]> {
  const database = await connectReadDatabase({ url, context: 'specification', readModels: [model] });
  try {
    return await foldInPostgres(database, model, events);
  } finally {
    await database.close();
  }
}

const firstSecond = Date.UTC(2030, 0, 1);

function record<E extends DomainEvent>(given: GivenEvent<E>, index: number): RecordedEvent<E> {
  const { event, at } = 'event' in given ? given : { event: given, at: {} };
  const id = deterministicId('specification', index);
  return {
    event,
    at: {
      ...{ id, correlationId: id, causationId: id },
      ...{ stream: 'specification-1', revision: index, position: BigInt(index) },
      created: new Date(firstSecond + index * 1_000),
      ...at,
    },
  };
}

/** What the order of rows must not depend on, and what a reader of the failure sees. */
const text = (row: object): string => JSON.stringify(row, Object.keys(row).sort());

function mustEqual(actual: readonly object[], expected: readonly object[]): void {
  const [received, wanted] = [actual, expected].map((rows) =>
    rows.map((row) => ({ ...row })).sort((one, other) => (text(one) < text(other) ? -1 : 1)),
  );
  if (isDeepStrictEqual(received, wanted)) return;
  const show = (rows: unknown) => JSON.stringify(rows, undefined, 2);
  throw new Error(`The rows differ.\nExpected: ${show(wanted)}\nReceived: ${show(received)}`);
}
