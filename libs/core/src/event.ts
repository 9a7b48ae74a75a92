/** A fact of the domain as plain data. `type` is the stored type name, `data` is JSON. */
export interface DomainEvent<Type extends string = string, Data = unknown> {
  readonly type: Type;
  readonly data: Data;
}

/** What `Event('OrderPlaced')` returns: a class to extend with the shape of its data. */
export interface EventClass<Type extends string> {
  new <Data>(data: Data): DomainEvent<Type, Data>;
  readonly type: Type;
}

/** Any class made with {@link Event}, for APIs that take event classes (`ofType`, `steps`, `publish`). */
export interface AnyEventClass<E extends DomainEvent = DomainEvent> {
  new (data: never): E;
  readonly type: E['type'];
}

const isTagged = (value: unknown, type: string): boolean =>
  typeof value === 'object' && value !== null && (value as { type?: unknown }).type === type && 'data' in value;

/**
 * Declares an event: `class OrderPlaced extends Event('OrderPlaced')<{ orderId: string }> {}`.
 *
 * The type name is written out because it is what is stored: renaming the class never changes stored data.
 * `instanceof` compares that name, so an event read back from a stream, which is plain data, is an instance of its
 * class too; this is what makes Nest's `ofType(OrderPlaced)` work on stored events.
 */
export function Event<const Type extends string>(type: Type): EventClass<Type> {
  return class TaggedEvent<Data> {
    static readonly type = type;
    readonly type = type;

    constructor(readonly data: Data) {}

    static [Symbol.hasInstance](value: unknown): boolean {
      return isTagged(value, type);
    }
  };
}
