/**
 * How stored events of earlier times are read as today's. What was stored is never changed; each change of a shape adds
 * one pure function, and the compiler checks that the chain leads from the first shape to the event class's present one:
 *
 *   upcast:  { OrderPlaced: storedAs<OrderPlacedV1>().upcast<OrderPlacedV2>(withCurrency).upcast(withLines) }
 *   retired: { OrderPlacedAndPaid: storedAs<PlacedAndPaid>().replacedBy(({ order, payment }) => [new OrderPlaced(order), …]) }
 *   aliases: { OrderMade: 'OrderPlaced' }
 *
 * The present version of a type is the length of its chain plus one; it is stored beside each event.
 */
import { InvalidEventSchemas, UpcastFailed } from './errors.js';
import type { DomainEvent } from './event.js';

/** An event as it was stored: under which name, in which version of its shape. */
export interface StoredEvent {
  readonly type: string;
  readonly version: number;
  readonly data: unknown;
}

/** What a split gives: the event itself in its next version, or other events, in today's shape. */
export interface NextVersion<Data> {
  readonly type?: undefined;
  readonly data: Data;
}

type Step = (data: unknown) => readonly (NextVersion<unknown> | DomainEvent)[];

/** A chain of versions that has come to the shape `Data` and on the way gives events of `Others`. Made by {@link storedAs}. */
export class Upcasting<Data, Others extends DomainEvent = never> {
  /** For the compiler only. */
  declare readonly shape: Data;
  declare readonly others: Others;

  constructor(private readonly steps: readonly Step[]) {}

  /** The version of the shape that the chain has come to. */
  get version(): number {
    return this.steps.length + 1;
  }

  /** The next version, made from the one before. */
  upcast<Next>(next: (data: Data) => Next): Upcasting<Next, Others> {
    return this.with<Next, never>((data) => [{ data: next(data) }]);
  }

  /** The next version is several events: this one (`{ data }`) or not, and others of today's types. */
  split<Next, More extends DomainEvent>(
    next: (data: Data) => readonly (NextVersion<Next> | More)[],
  ): Upcasting<Next, Others | More> {
    return this.with<Next, More>(next);
  }

  /** The type is no longer in use: these events of today say the same. */
  replacedBy<More extends DomainEvent>(events: (data: Data) => readonly More[]): Upcasting<never, Others | More> {
    return this.with<never, More>(events);
  }

  /** Brings `data` of an older version to the present. */
  apply(type: string, version: number, data: unknown): readonly DomainEvent[] {
    const step = this.steps[version - 1];
    if (!step) return [{ type, data }];
    return step(data).flatMap((produced) =>
      produced.type === undefined ? this.apply(type, version + 1, produced.data) : [produced],
    );
  }

  private with<Next, More extends DomainEvent>(
    step: (data: Data) => readonly (NextVersion<Next> | More)[],
  ): Upcasting<Next, Others | More> {
    return new Upcasting([...this.steps, step as Step]);
  }
}

/** Begins a chain with the shape that an event was first stored in. */
export const storedAs = <V1>(): Upcasting<V1> => new Upcasting<V1>([]);

/** The chains and names of a decider's stored events. */
export interface SchemaDefinition {
  readonly types: readonly string[];
  readonly upcast?: Readonly<Record<string, Upcasting<unknown, DomainEvent> | undefined>> | undefined;
  readonly retired?: Readonly<Record<string, Upcasting<never, DomainEvent>>> | undefined;
  readonly aliases?: Readonly<Record<string, string>> | undefined;
}

export class EventSchemas {
  private readonly types: ReadonlySet<string>;
  private readonly chains: ReadonlyMap<string, Upcasting<unknown, DomainEvent>>;
  private readonly aliases: ReadonlyMap<string, string>;

  /** @throws InvalidEventSchemas */
  constructor(definition: SchemaDefinition) {
    const { types, upcast = {}, retired = {}, aliases = {} } = definition;
    const problems = [...mistakes(definition)];
    if (problems.length > 0) throw new InvalidEventSchemas(problems);
    this.types = new Set(types);
    this.aliases = new Map(Object.entries(aliases));
    this.chains = new Map(
      [...Object.entries(upcast), ...Object.entries(retired)].flatMap(([type, chain]) =>
        chain ? [[type, chain]] : [],
      ),
    );
  }

  /** The schemas of several deciders as one. Types have one owner, which `EventRegistry` checks. */
  static of(parts: readonly { readonly schemas: EventSchemas }[]): EventSchemas {
    const schemas = parts.map((part) => part.schemas);
    return Object.assign(Object.create(EventSchemas.prototype) as EventSchemas, {
      types: new Set(schemas.flatMap(({ types }) => [...types])),
      aliases: new Map(schemas.flatMap(({ aliases }) => [...aliases])),
      chains: new Map(schemas.flatMap(({ chains }) => [...chains])),
    });
  }

  /** The version that events of this type are stored in today. */
  versionOf(type: string): number {
    return this.chains.get(type)?.version ?? 1;
  }

  /** All types that can be read, with the versions that new events get (retired types and aliases: the last they had). */
  versions(): ReadonlyMap<string, number> {
    const named = [...this.types, ...this.chains.keys()].map((type) => [type, this.versionOf(type)] as const);
    return new Map([...named, ...[...this.aliases].map(([old, type]) => [old, this.versionOf(type)] as const)]);
  }

  /**
   * The event in today's shape, or the several events that it is today; undefined when nobody knows its type, or not yet
   * in this version (it was written by a newer release).
   * @throws UpcastFailed
   */
  read(stored: StoredEvent): readonly DomainEvent[] | undefined {
    const { version, data } = stored;
    const type = this.aliases.get(stored.type) ?? stored.type;
    const chain = this.chains.get(type);
    if (!chain) return this.types.has(type) && version === 1 ? [{ type, data }] : undefined;
    if (version < 1 || version > chain.version) return undefined;
    try {
      return chain.apply(type, version, data);
    } catch (cause) {
      throw new UpcastFailed(stored.type, version, { cause });
    }
  }

  /** Whether a stored event is as it would be stored today, so that reading changes nothing. */
  isCurrent(type: string, version: number): boolean {
    return this.types.has(type) && version === this.versionOf(type);
  }
}

function* mistakes({ types, upcast = {}, retired = {}, aliases = {} }: SchemaDefinition): Generator<string> {
  const known = new Set(types);
  const old = new Set(Object.keys(retired));
  for (const type of Object.keys(upcast))
    if (!known.has(type))
      yield `'upcast' names ${type}, which is not in 'evolve'. If it is no longer in use: 'retired'.`;
  for (const type of old)
    if (known.has(type)) yield `'retired' names ${type}, which is still in 'evolve'. Use 'upcast' for it.`;
  for (const [alias, type] of Object.entries(aliases)) {
    if (known.has(alias) || old.has(alias)) yield `The alias ${alias} is a type of its own. Remove one of the two.`;
    if (!known.has(type) && !old.has(type)) yield `The alias ${alias} leads to ${type}, which is not known.`;
  }
}
