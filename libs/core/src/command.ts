/** Who asked, and in which conversation; all optional, because the bus fills in what is missing. */
export interface CommandMetadata {
  /** Makes the command idempotent: the same id has its effect once. Any text. */
  readonly id?: string | undefined;
  /** The conversation that the command belongs to; travels with everything that follows from it. */
  readonly correlationId?: string | undefined;
  /** The id of the message that made somebody issue this command. */
  readonly causationId?: string | undefined;
  /** Who asked, as the authentication knows them. */
  readonly actor?: string | undefined;
}

/** A wish as plain data, in the imperative. */
export interface DomainCommand<Type extends string = string, Data = unknown> {
  readonly type: Type;
  readonly data: Data;
  readonly metadata: CommandMetadata;
}

/** What `Command('PlaceOrder')` returns: a class to extend with the shape of its data. */
export interface CommandClass<Type extends string> {
  new <Data>(data: Data, metadata?: CommandMetadata): DomainCommand<Type, Data>;
  readonly type: Type;
}

/** Any class made with {@link Command}. */
export interface AnyCommandClass<C extends DomainCommand = DomainCommand> {
  new (data: never, metadata?: CommandMetadata): C;
  readonly type: C['type'];
}

/**
 * Declares a command: `class PlaceOrder extends Command('PlaceOrder')<{ orderId: string }> {}`.
 * As with events, the written-out name is the identity: it routes the command to its handler.
 */
export function Command<const Type extends string>(type: Type): CommandClass<Type> {
  return class TaggedCommand<Data> {
    static readonly type = type;
    readonly type = type;

    constructor(
      readonly data: Data,
      readonly metadata: CommandMetadata = {},
    ) {}

    static [Symbol.hasInstance](value: unknown): boolean {
      const candidate = value as { type?: unknown; metadata?: unknown } | null | undefined;
      return typeof candidate === 'object' && candidate?.type === type && typeof candidate.metadata === 'object';
    }
  };
}

/** The same command with some of its metadata replaced; commands themselves are never changed. */
export function withMetadata<C extends DomainCommand>(command: C, metadata: CommandMetadata): C {
  const copy = Object.create(Object.getPrototypeOf(command) as object) as C;
  return Object.assign(copy, command, { metadata: { ...command.metadata, ...metadata } });
}
