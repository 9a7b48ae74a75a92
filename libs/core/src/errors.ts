import { CodedError } from './coded-error.js';

/** A decider's category cannot be the beginning of a stream name. */
export class InvalidCategory extends CodedError {
  readonly code = 'CORE_INVALID_CATEGORY';

  constructor(readonly category: string) {
    super(
      `The category '${category}' cannot begin a stream name. Use letters, digits and '_', beginning with a small letter ` +
        `(EventStoreDB ends a category at the first '-'), and not 'snapshot', where snapshots are kept.`,
    );
  }
}

/** An aggregate's id cannot be part of a stream name. */
export class InvalidAggregateId extends CodedError {
  readonly code = 'CORE_INVALID_AGGREGATE_ID';
  override readonly kind = 'invalid';

  constructor(
    readonly category: string,
    readonly id: string,
  ) {
    super(
      `${JSON.stringify(id)} cannot be the id of a '${category}'. Use 1 to 200 characters, no control characters, ` +
        `no blanks at the beginning or the end.`,
    );
  }
}

/** The command does not say which aggregate it is for. */
export class CommandWithoutAggregateId extends CodedError {
  readonly code = 'CORE_COMMAND_WITHOUT_AGGREGATE_ID';
  override readonly kind = 'invalid';

  constructor(
    readonly commandType: string,
    readonly field: string,
  ) {
    super(
      `The command ${commandType} has no text in data.${field}, so nobody knows which aggregate it is for. ` +
        `Put the id there, or give the decider an 'idOf'.`,
    );
  }
}

/** A command was given to a decider that does not decide it. */
export class UnhandledCommand extends CodedError {
  readonly code = 'CORE_UNHANDLED_COMMAND';

  constructor(
    readonly category: string,
    readonly commandType: string,
  ) {
    super(`The decider '${category}' has no 'decide' for the command ${commandType}. Add one, or send it elsewhere.`);
  }
}

/** An event was given to a decider that does not know it. */
export class UnhandledEvent extends CodedError {
  readonly code = 'CORE_UNHANDLED_EVENT';

  constructor(
    readonly category: string,
    readonly eventType: string,
  ) {
    super(
      `The decider '${category}' has no 'evolve' for the event ${eventType}. Add one (it may return the state unchanged): ` +
        `what is not in 'evolve' is not registered and is never appended.`,
    );
  }
}

/** Two deciders of one registry claim the same event type. */
export class DuplicateEventType extends CodedError {
  readonly code = 'CORE_DUPLICATE_EVENT_TYPE';

  constructor(
    readonly eventType: string,
    readonly categories: readonly [string, string],
  ) {
    super(
      `The event type ${eventType} is registered by '${categories[0]}' and by '${categories[1]}'. ` +
        `A stored type name has one owner: rename one of them.`,
    );
  }
}

/** An event holds something that JSON would lose or refuse. */
export class NotJson extends CodedError {
  readonly code = 'CORE_NOT_JSON';
  override readonly kind = 'invalid';

  constructor(
    readonly path: string,
    readonly found: string,
  ) {
    super(
      `${path} is ${found}, which does not survive JSON. Events and commands are plain JSON: use null or leave the ` +
        `property out instead of undefined, text for dates and bigints, plain objects and arrays for collections.`,
    );
  }
}

/** The stored versions of a decider's events contradict each other. */
export class InvalidEventSchemas extends CodedError {
  readonly code = 'CORE_INVALID_EVENT_SCHEMAS';

  constructor(readonly problems: readonly string[]) {
    super(
      `The stored versions of these events cannot be read:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
    );
  }
}

/** A stored event of an older version could not be brought to the present one. */
export class UpcastFailed extends CodedError {
  readonly code = 'CORE_UPCAST_FAILED';

  constructor(
    readonly eventType: string,
    readonly version: number,
    options: ErrorOptions,
  ) {
    super(
      `${eventType}, stored in version ${version}, cannot be brought to the present version: ${String(options.cause)}. ` +
        `Mend the upcaster: it must accept every event that was ever stored in that version.`,
      options,
    );
  }
}
