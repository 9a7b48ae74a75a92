/**
 * A read model: rows of one table as a pure fold of events. Handlers do no I/O and read no clock: the same events give
 * the same rows, whenever and however often they are folded. That is what makes a rebuild a proof.
 */
import type { AnyEventClass, DomainEvent, OfType } from '@annals/core';
import type { EventContext } from '@annals/event-store';
import { InvalidReadModel } from './errors.js';

/** The primary key of a row: its value, or, when it has several columns, an object of them by property name. */
export type RowKey = string | number | bigint | Readonly<Record<string, string | number | bigint>>;

/** What a handler can see besides its row. Good for the handler's call only. */
export interface RowsAtHand<Entity> {
  /** The key of the handler's row: tells which one it is about when an event is about several. */
  readonly key: RowKey;
  /**
   * Another row of the read model as it is after all events before this one; undefined when there is none.
   * @throws UnnamedLookup when neither `key` nor `lookups` named it for this event
   */
  row(key: RowKey): Readonly<Entity> | undefined;
}

/**
 * The row after the event: a row, null to delete it, undefined to leave it as it is. `row` is undefined when there is
 * none yet. It must not be changed: return a new one.
 */
export type RowHandler<Entity, E extends DomainEvent> = (
  row: Readonly<Entity> | undefined,
  event: E,
  at: EventContext,
  rows: RowsAtHand<Entity>,
) => Entity | null | undefined;

/** The transaction that also moves the checkpoint. */
export interface SqlTransaction {
  /** The read model's table, quoted, with its schema: write to it by this name only, each build has its own. */
  readonly table: string;
  query<Row extends object = Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<Row[]>;
}

/** For what a fold cannot say. Must be a function of the table's content and the event alone, like a fold. */
export type SqlHandler<E extends DomainEvent> = (tx: SqlTransaction, event: E, at: EventContext) => Promise<void>;

export interface ReadModelDefinition<Entity extends object, E extends DomainEvent> {
  /** Small letters, digits and `-`; part of the names of schemas. */
  readonly name: string;
  /** Raise it with any change of handlers, key or entity: the new version is built beside the old one, then swapped in. */
  readonly version: number;
  /** The row (or rows) that an event is about; undefined: none. */
  readonly key: (event: E, at: EventContext) => RowKey | readonly RowKey[] | undefined;
  /** Other rows that the handlers of the event look at, see {@link RowsAtHand}; not with `partitions`, which fold apart. */
  readonly lookups?: (event: E, at: EventContext) => RowKey | readonly RowKey[] | undefined;
  readonly on: { readonly [Type in E['type']]?: RowHandler<Entity, OfType<E, Type>> };
  readonly sql?: { readonly [Type in E['type']]?: SqlHandler<OfType<E, Type>> };
  /** Over how many instances of the app the folding may be spread, by the keys' hash; default 1. Takes effect with a rebuild. */
  readonly partitions?: number;
}

export interface ReadModel<Entity extends object = object, E extends DomainEvent = DomainEvent> {
  readonly entity: EntityClass<Entity>;
  readonly name: string;
  readonly version: number;
  readonly partitions: number;
  /** The types of events that it folds, sorted. */
  readonly eventTypes: readonly E['type'][];
  /** Whether the type has an `sql` handler, an `on` handler, or none. */
  handledBy(type: string): 'fold' | 'sql' | undefined;
  /** What the user's `key` says; throws what it throws. */
  keysOf(event: E, at: EventContext): readonly RowKey[];
  /** What the user's `lookups` says; throws what it throws. */
  lookupsOf(event: E, at: EventContext): readonly RowKey[];
  /** What the user's handler says; undefined as well when there is no handler. */
  fold(row: Entity | undefined, event: E, at: EventContext, rows: RowsAtHand<Entity>): Entity | null | undefined;
  runSql(tx: SqlTransaction, event: E, at: EventContext): Promise<void>;
}

/** Any read model; for lists such as the map's `readModels`. Method parameters are bivariant, so no `any` is needed. */
export type AnyReadModel = ReadModel;

/** A class decorated with TypeORM's `@Entity`. */
export type EntityClass<Entity extends object = object> = new () => Entity;

type EventOf<Classes extends readonly AnyEventClass[]> = InstanceType<Classes[number]>;

const none: readonly RowKey[] = [];

const namePattern = /^[a-z][a-z0-9-]{0,39}$/;

/**
 * Makes a read model out of its definition. Handlers are typed by the union of its events, given as a type
 * (`readModel<OrderSummary, OrderEvent>(OrderSummary, {…})`) or as classes (`{ events: [OrderPlaced, OrderCancelled], … }`).
 * @throws InvalidReadModel
 */
export function readModel<Entity extends object, const Classes extends readonly AnyEventClass[]>(
  entity: EntityClass<Entity>,
  definition: { readonly events: Classes } & ReadModelDefinition<Entity, EventOf<Classes>>,
): ReadModel<Entity, EventOf<Classes>>;
export function readModel<Entity extends object, E extends DomainEvent>(
  entity: EntityClass<Entity>,
  definition: ReadModelDefinition<Entity, E>,
): ReadModel<Entity, E>;
export function readModel<Entity extends object, E extends DomainEvent>(
  entity: EntityClass<Entity>,
  definition: ReadModelDefinition<Entity, E>,
): ReadModel<Entity, E> {
  const { name, version, partitions = 1, lookups } = definition;
  const folds = new Map(Object.entries<unknown>(definition.on)) as Map<string, RowHandler<Entity, E>>;
  const sql = new Map(Object.entries<unknown>(definition.sql ?? {})) as Map<string, SqlHandler<E>>;
  check(name, version, partitions, [...folds.keys()], [...sql.keys()]);
  if (lookups && partitions > 1)
    throw new InvalidReadModel(
      name,
      `its handlers look at other rows, which other partitions fold. Leave one of them out.`,
    );
  return {
    entity,
    name,
    version,
    partitions,
    eventTypes: [...folds.keys(), ...sql.keys()].sort(),
    handledBy: (type) => (folds.has(type) ? 'fold' : sql.has(type) ? 'sql' : undefined),
    keysOf: (event, at) => asList(definition.key(event, at)),
    lookupsOf: (event, at) => (lookups ? asList(lookups(event, at)) : none),
    fold: (row, event, at, rows) => folds.get(event.type)?.(row, event, at, rows),
    runSql: async (tx, event, at) => sql.get(event.type)?.(tx, event, at),
  };
}

const asList = (keys: RowKey | readonly RowKey[] | undefined): readonly RowKey[] =>
  keys === undefined || keys === null ? [] : Array.isArray(keys) ? (keys as readonly RowKey[]) : [keys as RowKey];

function check(name: string, version: number, partitions: number, folds: string[], sql: string[]): void {
  const wrong = (reason: string) => new InvalidReadModel(name, reason);
  if (!namePattern.test(name))
    throw wrong("its name must be 1 to 40 small letters, digits and '-', beginning with a letter.");
  if (!Number.isSafeInteger(version) || version < 1) throw wrong('its version must be a whole number from 1.');
  if (!Number.isSafeInteger(partitions) || partitions < 1 || partitions > 256)
    throw wrong('its partitions must be a whole number from 1 to 256.');
  if (folds.length + sql.length === 0) throw wrong("it handles no event. Add handlers to 'on'.");
  const both = folds.find((type) => sql.includes(type));
  if (both !== undefined) throw wrong(`${both} has a handler in 'on' and one in 'sql'. Keep one of them.`);
}
