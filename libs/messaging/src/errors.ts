import { CodedError } from '@annals/core';

/** The type of a contract does not say whose it is, what it is and which version. */
export class InvalidContractType extends CodedError {
  readonly code = 'MESSAGING_INVALID_CONTRACT_TYPE';

  constructor(readonly type: string) {
    super(
      `'${type}' is not the type of a contract. Write <context>.<name>.v<number> in small letters, digits and '-', ` +
        `for instance 'orders.order-placed.v1'.`,
    );
  }
}

/** Two classes declare one contract. */
export class DuplicateContract extends CodedError {
  readonly code = 'MESSAGING_DUPLICATE_CONTRACT';

  constructor(readonly type: string) {
    super(
      `The contract ${type} is declared twice. Its name is unique in the whole system: import the existing class, or ` +
        `give the new shape the next version.`,
    );
  }
}

/** Data that is not what its contract promises. */
export class InvalidContractData extends CodedError {
  readonly code = 'MESSAGING_INVALID_CONTRACT_DATA';
  override readonly kind = 'invalid';

  /** @param problems each as `path: what is wrong` */
  constructor(
    readonly type: string,
    readonly problems: readonly string[],
  ) {
    super(
      `The data is not what ${type} promises: ${problems.join('; ')}. Mend the sender; a new shape is a new version of ` +
        `the contract.`,
    );
  }
}

/** A message that is not a CloudEvent as Annals sends them. */
export class InvalidEnvelope extends CodedError {
  readonly code = 'MESSAGING_INVALID_ENVELOPE';
  override readonly kind = 'invalid';

  constructor(
    readonly problems: readonly string[],
    options?: ErrorOptions,
  ) {
    super(
      `The message is not a CloudEvent 1.0 with subject, time, correlationid and causationid: ${problems.join('; ')}. ` +
        `Find out who sends it; drop the dead letter or replay it after mending the receiver.`,
      options,
    );
  }
}

/** The aggregate's id cannot be part of a message's address. */
export class InvalidSubject extends CodedError {
  readonly code = 'MESSAGING_INVALID_SUBJECT';
  override readonly kind = 'invalid';

  constructor(readonly subject: string) {
    super(
      `${JSON.stringify(subject)} cannot be the subject of a message. The contract's 'subject' must give 1 to 200 ` +
        `characters of well-formed text.`,
    );
  }
}

/** A message's type that no loaded contract declares. */
export class UnknownContract extends CodedError {
  readonly code = 'MESSAGING_UNKNOWN_CONTRACT';

  constructor(
    readonly type: string,
    readonly usedBy: string,
  ) {
    super(`${usedBy} uses ${type}, but no loaded contract has this type. Import its class, or mend the name.`);
  }
}

/** A context publishes or consumes what belongs to another one. */
export class ForeignContract extends CodedError {
  readonly code = 'MESSAGING_FOREIGN_CONTRACT';

  constructor(
    readonly type: string,
    readonly context: string,
    readonly use: 'publish' | 'consume',
  ) {
    super(
      use === 'publish'
        ? `The context '${context}' publishes ${type}, which belongs to another context by its name. Publish an event ` +
            `of your own ('${context}.….v1').`
        : `The context '${context}' consumes the command ${type}, which belongs to another context by its name. Send it ` +
            `instead, or declare a command of your own ('${context}.….v1').`,
    );
  }
}

/** A contract of the wrong kind: an event where a command is wanted, or the other way round. */
export class WrongContractKind extends CodedError {
  readonly code = 'MESSAGING_WRONG_CONTRACT_KIND';

  constructor(
    readonly type: string,
    readonly wanted: 'event' | 'command',
  ) {
    super(
      wanted === 'event'
        ? `${type} is a command, and only events are published. Send it with the command bus.`
        : `${type} is an event, and only commands are sent. Publish it by an entry in 'publishes'.`,
    );
  }
}

/** A context's name cannot be part of contract types and addresses. */
export class InvalidContextName extends CodedError {
  readonly code = 'MESSAGING_INVALID_CONTEXT_NAME';

  constructor(readonly context: string) {
    super(`'${context}' cannot be the name of a context. Use small letters, digits and '-', beginning with a letter.`);
  }
}

/** A request/response handler was bound to the transport of integration messages. */
export class RequestPatternNotSupported extends CodedError {
  readonly code = 'MESSAGING_REQUEST_PATTERN';

  constructor(readonly pattern: string) {
    super(
      `@MessagePattern('${pattern}') asks for an answer, and integration messages have none. Use @EventPattern, or serve ` +
        `queries with Nest's NATS transport (@MessagePattern(…, Transport.NATS)).`,
    );
  }
}

/** The broker or the store behind it did not take or give messages. */
export class MessagingUnavailable extends CodedError {
  readonly code = 'MESSAGING_UNAVAILABLE';
  override readonly kind = 'unavailable';

  constructor(
    readonly operation: string,
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(
      `The messages' transport is not available (${operation}): ${reason}. Nothing is lost; trying again is safe.`,
      options,
    );
  }
}

/** The broker or the store refuses a message for its size. */
export class MessageTooLarge extends CodedError {
  readonly code = 'MESSAGING_MESSAGE_TOO_LARGE';
  override readonly kind = 'invalid';

  /** @param limit what is known of the size and the limit, for people */
  constructor(
    readonly operation: string,
    options?: ErrorOptions,
    readonly limit?: string,
  ) {
    super(
      `The message is too large (${operation}${limit === undefined ? '' : `: ${limit}`}). Keep large documents elsewhere ` +
        `and send a reference, or raise the limit of the broker.`,
      options,
    );
  }
}

/** The settings of the connection to NATS are not usable. */
export class InvalidMessagingSettings extends CodedError {
  readonly code = 'MESSAGING_INVALID_SETTINGS';

  constructor(
    readonly problems: readonly string[],
    options?: ErrorOptions,
  ) {
    super(`The settings for NATS are not usable: ${problems.join('; ')}.`, options);
  }
}

/** A handler failed with something that is not an error of its own (Nest's exception filter hides the original). */
export class HandlerFailed extends CodedError {
  readonly code = 'MESSAGING_HANDLER_FAILED';

  constructor(
    readonly type: string,
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(`A handler of ${type} failed: ${reason}. The log of the context says more.`, options);
  }
}

/** There is no such dead letter (any more). */
export class NoSuchDeadLetter extends CodedError {
  readonly code = 'MESSAGING_NO_SUCH_DEAD_LETTER';
  override readonly kind = 'not-found';

  constructor(readonly id: string) {
    super(`There is no dead letter '${id}'. It may have been replayed or dropped; list them again.`);
  }
}

/** A dead letter cannot be delivered again, because it is not readable. */
export class DeadLetterNotReplayable extends CodedError {
  readonly code = 'MESSAGING_DEAD_LETTER_NOT_REPLAYABLE';
  override readonly kind = 'unprocessable';

  constructor(
    readonly id: string,
    options?: ErrorOptions,
  ) {
    super(`The dead letter '${id}' holds no readable CloudEvent, so it cannot be delivered again. Drop it.`, options);
  }
}
