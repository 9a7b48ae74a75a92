import { CodedError } from '@annals/core';

/** The stream moved on between reading and appending: reload and decide again. */
export class WrongExpectedRevision extends CodedError {
  readonly code = 'EVENT_STORE_WRONG_EXPECTED_REVISION';
  override readonly kind = 'precondition';

  /** Revisions are those of the last event of the stream; -1: the stream has none. */
  constructor(
    readonly stream: string,
    readonly expected: number | string,
    readonly actual: number,
  ) {
    super(
      `The stream ${stream} is at revision ${actual}, not at ${expected}: somebody appended in between. ` +
        `Load it again and decide on its present state.`,
    );
  }
}

/** Others kept appending to the stream faster than the command could be decided. */
export class ConcurrencyConflict extends CodedError {
  readonly code = 'EVENT_STORE_CONCURRENCY_CONFLICT';
  override readonly kind = 'conflict';

  constructor(
    readonly stream: string,
    readonly commandType: string,
    readonly attempts: number,
    readonly actual: number,
  ) {
    super(
      `${commandType} met another append to ${stream} in each of ${attempts} attempts (it is at revision ${actual} now). ` +
        `Try again later; if it happens often, the aggregate is too large for its traffic.`,
    );
  }
}

/** The stream was tombstoned: it is closed for ever. */
export class StreamIsDeleted extends CodedError {
  readonly code = 'EVENT_STORE_STREAM_DELETED';
  override readonly kind = 'conflict';

  constructor(readonly stream: string) {
    super(
      `The stream ${stream} was deleted for good (tombstoned). Nothing can be read from or appended to it; use another id.`,
    );
  }
}

/** The events of one append are larger than the server takes. */
export class AppendTooLarge extends CodedError {
  readonly code = 'EVENT_STORE_APPEND_TOO_LARGE';
  override readonly kind = 'invalid';

  constructor(
    readonly stream: string,
    readonly maxBytes: number,
    options?: ErrorOptions,
  ) {
    super(
      `The append to ${stream} holds more than the ${maxBytes} bytes that the event store takes at once. ` +
        `Split the command, or keep large documents elsewhere and store a reference.`,
      options,
    );
  }
}

/** The event store did not answer, again and again. */
export class EventStoreUnavailable extends CodedError {
  readonly code = 'EVENT_STORE_UNAVAILABLE';
  override readonly kind = 'unavailable';

  constructor(
    readonly operation: string,
    options?: ErrorOptions,
  ) {
    super(
      `The event store did not answer (${operation}). Check that it runs at EVENTSTORE_URL; trying again is safe.`,
      options,
    );
  }
}

/** A decider returned an event that it has no `evolve` for. */
export class UnregisteredEvent extends CodedError {
  readonly code = 'EVENT_STORE_UNREGISTERED_EVENT';

  constructor(
    readonly category: string,
    readonly eventType: string,
  ) {
    super(
      `The decider '${category}' returned an event of type ${eventType}, which is not in its 'evolve'. ` +
        `Nothing was appended; add it to 'evolve'.`,
    );
  }
}

/** A stored event cannot be folded. */
export class EvolveFailed extends CodedError {
  readonly code = 'EVENT_STORE_EVOLVE_FAILED';

  constructor(
    readonly stream: string,
    readonly revision: number,
    readonly eventType: string,
    options: ErrorOptions,
  ) {
    super(
      `${eventType} at revision ${revision} of ${stream} cannot be folded into the state: ${String(options.cause)}. ` +
        `Mend 'evolve': it must accept every event that was ever stored.`,
      options,
    );
  }
}

/** A command id was used before, on the same aggregate, for a command that says something else. */
export class CommandIdReused extends CodedError {
  readonly code = 'EVENT_STORE_COMMAND_ID_REUSED';
  override readonly kind = 'unprocessable';

  constructor(
    readonly commandId: string,
    readonly commandType: string,
    readonly stream: string,
  ) {
    super(
      `The id ${commandId} of this ${commandType} was used for another command on ${stream}, or for the same with other ` +
        `data. An id (an Idempotency-Key) stands for one command: repeat that one unchanged, or use a new id.`,
    );
  }
}

/** One command decided more events than an append should have. */
export class TooManyEvents extends CodedError {
  readonly code = 'EVENT_STORE_TOO_MANY_EVENTS';
  override readonly kind = 'invalid';

  constructor(
    readonly commandType: string,
    readonly count: number,
    readonly max: number,
  ) {
    super(
      `${commandType} led to ${count} events at once; at most ${max} are taken, and nothing was appended. ` +
        `Send the command in parts, or let one event say it for many.`,
    );
  }
}

/** What was decided cannot be folded into the state. */
export class UnfoldableEvent extends CodedError {
  readonly code = 'EVENT_STORE_UNFOLDABLE_EVENT';

  constructor(
    readonly category: string,
    readonly eventType: string,
    options: ErrorOptions,
  ) {
    super(
      `'${category}' decided ${eventType}, but its 'evolve' fails on it: ${String(options.cause)}. Nothing was appended, ` +
        `because the aggregate could never be loaded again. Mend 'evolve', or reject the command.`,
      options,
    );
  }
}

/** A stored event is of a type, or of a version, that this release does not know. */
export class UnknownEvent extends CodedError {
  readonly code = 'EVENT_STORE_UNKNOWN_EVENT';

  constructor(
    readonly stream: string,
    readonly revision: number,
    readonly eventType: string,
    readonly version: number,
  ) {
    super(
      `${eventType} (version ${version}) at revision ${revision} of ${stream} is not known here. Was it written by a newer ` +
        `release? Else give its decider an 'alias', an upcaster or a 'retired' entry for it; unknownEvents: 'skip' goes on without it.`,
    );
  }
}

/** The event store refuses the credentials. */
export class EventStoreAccessDenied extends CodedError {
  readonly code = 'EVENT_STORE_ACCESS_DENIED';

  constructor(
    readonly operation: string,
    options?: ErrorOptions,
  ) {
    super(
      `The event store refused ${operation}. Check the user and password in EVENTSTORE_URL and the stream's access rights.`,
      options,
    );
  }
}
