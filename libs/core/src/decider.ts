/**
 * The decider: a pure description of one kind of aggregate. `decide` turns a command into events (or throws a
 * DomainError), `evolve` folds events into state. Neither does I/O, reads a clock or draws random numbers: what they
 * need stands in the command. The pattern and its names are Jérémie Chassaing's.
 */
import type { DomainCommand } from './command.js';
import type { DomainEvent } from './event.js';
import {
  CommandWithoutAggregateId,
  InvalidAggregateId,
  InvalidCategory,
  UnhandledCommand,
  UnhandledEvent,
} from './errors.js';
import { EventSchemas, type Upcasting } from './event-schemas.js';

export type OfType<Message extends { readonly type: string }, Type extends string> = Extract<
  Message,
  { readonly type: Type }
>;

export interface DeciderDefinition<State, Cmd extends DomainCommand, Evt extends DomainEvent> {
  /** First part of the stream names `<category>-<id>`; letters, digits and `_`, beginning with a letter, because EventStoreDB ends a category at the first `-`. */
  readonly category: string;
  /** The state before the first event. Must not be changed by `evolve`, which returns a new one. */
  readonly initial: State;
  readonly decide: { readonly [Type in Cmd['type']]: (state: State, command: OfType<Cmd, Type>) => readonly Evt[] };
  readonly evolve: { readonly [Type in Evt['type']]: (state: State, event: OfType<Evt, Type>) => State };
  /** The aggregate a command is for; default: `data.<category>Id`, so `data.orderId` for the category `order`. */
  readonly idOf?: (command: Cmd) => string;
  /** For each event whose shape has changed: the way from its first shape to the present one (see event-schemas.ts). */
  readonly upcast?: { readonly [Type in Evt['type']]?: Upcasting<OfType<Evt, Type>['data'], Evt> };
  /** Types that are stored but no longer in use: which of today's events say the same. */
  readonly retired?: Readonly<Record<string, Upcasting<never, Evt>>>;
  /** Earlier names of types: `{ OrderMade: 'OrderPlaced' }`. */
  readonly aliases?: Readonly<Record<string, Evt['type']>>;
  /** For long streams; none by default. */
  readonly snapshots?: SnapshotPolicy;
}

/** When the state is stored, so that later only the events after it must be read. The state must be plain JSON. */
export interface SnapshotPolicy {
  /** A new snapshot after this many events. */
  readonly every: number;
  /** Raise it whenever the shape of the state or the meaning of `evolve` changes: older snapshots are then ignored. */
  readonly version: number;
}

export interface Decider<
  State = unknown,
  Cmd extends DomainCommand = DomainCommand,
  Evt extends DomainEvent = DomainEvent,
> {
  readonly category: string;
  readonly initial: State;
  readonly commandTypes: readonly Cmd['type'][];
  readonly eventTypes: readonly Evt['type'][];
  /** How its stored events, also those of earlier versions, are read. */
  readonly schemas: EventSchemas;
  readonly snapshots: SnapshotPolicy | undefined;
  /** @throws InvalidAggregateId, CommandWithoutAggregateId */
  streamOf(command: Cmd): string;
  /** @throws InvalidAggregateId */
  streamFor(id: string): string;
  /** @throws UnhandledCommand when the decider has no such command; whatever the user's `decide` throws */
  decide(state: State, command: Cmd): readonly Evt[];
  /** @throws UnhandledEvent when the decider has no such event */
  evolve(state: State, event: Evt): State;
}

/** The reading half of a decider: all that is needed to fold a stream. */
export type Folding<State, Evt extends DomainEvent> = Pick<
  Decider<State, never, Evt>,
  'category' | 'initial' | 'evolve' | 'streamFor' | 'schemas' | 'snapshots'
>;

/** Any decider, whatever it decides about; for lists such as the map's `deciders`. */
// Method parameters are bivariant, so every Decider<S, C, E> is assignable to it without `any`.
export type AnyDecider = Decider;

// `snapshot-…` is where snapshots are kept.
const categoryPattern = /^(?!snapshot$)[a-z][a-zA-Z0-9_]*$/;
// EventStoreDB takes any text as a stream name; control characters and surrounding blanks are mistakes nobody can see.
// eslint-disable-next-line no-control-regex
const idPattern = /^(?!\s)[^\u0000-\u001f\u007f]{1,200}(?<!\s)$/u;

/**
 * The stream of one aggregate.
 * @throws InvalidAggregateId
 */
export function streamOf(category: string, id: string): string {
  if (!idPattern.test(id)) throw new InvalidAggregateId(category, id);
  return `${category}-${id}`;
}

/** @throws InvalidCategory */
export function assertCategory(category: string): void {
  if (!categoryPattern.test(category)) throw new InvalidCategory(category);
}

/**
 * Makes a decider out of its definition.
 * @throws InvalidCategory, InvalidEventSchemas
 */
export function decider<State, Cmd extends DomainCommand, Evt extends DomainEvent>(
  definition: DeciderDefinition<State, Cmd, Evt>,
): Decider<State, Cmd, Evt> {
  const { category, initial } = definition;
  assertCategory(category);
  const decide = new Map<string, unknown>(Object.entries(definition.decide));
  const evolve = new Map<string, unknown>(Object.entries(definition.evolve));
  const idField = `${category}Id`;

  const defaultId = (command: Cmd): string => {
    const id = (command.data as Record<string, unknown> | null | undefined)?.[idField];
    if (typeof id !== 'string') throw new CommandWithoutAggregateId(command.type, idField);
    return id;
  };
  const streamFor = (id: string): string => streamOf(category, id);
  const eventTypes = Object.keys(definition.evolve) as Evt['type'][];
  const { upcast, retired, aliases, snapshots } = definition;

  return {
    category,
    initial,
    commandTypes: Object.keys(definition.decide),
    eventTypes,
    schemas: new EventSchemas({ types: eventTypes, upcast, retired, aliases }),
    snapshots,
    streamFor,
    streamOf: (command) => streamFor((definition.idOf ?? defaultId)(command)),
    decide(state, command) {
      const handler = decide.get(command.type) as ((state: State, command: Cmd) => readonly Evt[]) | undefined;
      if (!handler) throw new UnhandledCommand(category, command.type);
      return handler(state, command);
    },
    evolve(state, event) {
      const handler = evolve.get(event.type) as ((state: State, event: Evt) => State) | undefined;
      if (!handler) throw new UnhandledEvent(category, event.type);
      return handler(state, event);
    },
  };
}

/** The state after `events`, from the initial state or from `state`. */
export const fold = <State, Evt extends DomainEvent>(
  { initial, evolve }: Pick<Folding<State, Evt>, 'initial' | 'evolve'>,
  events: Iterable<Evt>,
  state: State = initial,
): State => {
  let folded = state;
  for (const event of events) folded = evolve(folded, event);
  return folded;
};
