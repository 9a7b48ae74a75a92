import { CodedError } from '@annals/core';

/** A text is not a duration. */
export class InvalidDuration extends CodedError {
  readonly code = 'SAGA_INVALID_DURATION';

  constructor(readonly text: string) {
    super(
      `'${text}' is not a duration. Write it as ISO 8601 has it, in weeks, days, hours, minutes and seconds: ` +
        `'PT30S', 'PT2M', 'P1D', 'P1DT12H'.`,
    );
  }
}

/** A saga emitted a command, completed, or set or cancelled a deadline while no input was being delivered to it. */
export class OutsideOfDelivery extends CodedError {
  readonly code = 'SAGA_OUTSIDE_OF_DELIVERY';

  constructor(readonly what: string) {
    super(
      `The saga ${what} while no input was being delivered to it, as after a promise or an RxJS timer: that would be lost ` +
        `in a crash, so it was refused. Wait with deadline('PT30S'), which is durable, instead of timer(), delay() or ` +
        `debounceTime(); do asynchronous work in a command's handler and let the saga hear of it by an event.`,
    );
  }
}

/** A saga emitted something that is not a command. */
export class NotACommand extends CodedError {
  readonly code = 'SAGA_NOT_A_COMMAND';

  constructor(readonly found: string) {
    super(
      `The saga emitted ${found}, which is not a command. Emit instances of classes made with Command('…'), ` +
        `and map everything else away.`,
    );
  }
}

/** Fed with the inputs stored for it, a saga gave other outputs than those stored. */
export class NotDeterministic extends CodedError {
  readonly code = 'SAGA_NOT_DETERMINISTIC';

  constructor(
    readonly stream: string,
    /** Number and type of the input that led to something else. */
    readonly input: string,
    readonly stored: readonly string[],
    readonly replayed: readonly string[],
  ) {
    const list = (outputs: readonly string[]) => (outputs.length > 0 ? outputs.join(', ') : 'nothing');
    super(
      `The saga is not deterministic: for the input ${input} of ${stream}, stored: ${list(stored)}; ` +
        `replayed: ${list(replayed)}. Restore the pipeline that this instance started with (give the changed one a new ` +
        `'version' and keep both registered), keep clocks, randomness and outside state out of it, then retry the instance.`,
    );
  }
}

/** `correlateBy` gave no usable id for an event. */
export class Uncorrelated extends CodedError {
  readonly code = 'SAGA_UNCORRELATED';

  constructor(
    readonly saga: string,
    readonly eventType: string,
    readonly eventId: string,
    found: string,
    options?: ErrorOptions,
  ) {
    super(
      `'correlateBy' of the saga ${saga} gave ${found} for ${eventType} ${eventId}. Return the id of the instance as text of ` +
        `1 to 200 characters, or undefined for events that do not concern the saga; then retry this instance.`,
      options,
    );
  }
}

/** A saga is declared in a way that cannot work. */
export class InvalidSaga extends CodedError {
  readonly code = 'SAGA_INVALID';

  constructor(
    readonly saga: string,
    problem: string,
  ) {
    super(`The saga '${saga}' cannot be used: ${problem}`);
  }
}

/** Instances are open on a version of a saga that is no longer registered. */
export class SagaVersionMissing extends CodedError {
  readonly code = 'SAGA_VERSION_MISSING';

  constructor(
    readonly saga: string,
    readonly version: number,
    readonly openInstances: number,
  ) {
    super(
      `The saga '${saga}' has ${openInstances} open instance${openInstances === 1 ? '' : 's'} of version ${version}, which is ` +
        `not registered. Register the old definition again beside the new one ({ name: '${saga}', version: ${version} }) ` +
        `until they have ended.`,
    );
  }
}

/** An instance is not known. */
export class SagaInstanceNotFound extends CodedError {
  readonly code = 'SAGA_INSTANCE_NOT_FOUND';
  override readonly kind = 'not-found';

  constructor(
    readonly saga: string,
    readonly id: string,
  ) {
    super(`The saga '${saga}' has no instance '${id}'. Look at the list of instances for what there is.`);
  }
}

/** What was asked cannot be done to an instance in the state it is in. */
export class SagaInstanceInWrongState extends CodedError {
  readonly code = 'SAGA_INSTANCE_IN_WRONG_STATE';
  override readonly kind = 'conflict';

  constructor(
    readonly saga: string,
    readonly id: string,
    readonly state: string,
    wanted: string,
  ) {
    super(`The instance '${id}' of the saga '${saga}' is ${state}, so it cannot be ${wanted}.`);
  }
}

/** Other owners kept appending to an instance. */
export class SagaContended extends CodedError {
  readonly code = 'SAGA_CONTENDED';
  override readonly kind = 'conflict';

  constructor(
    readonly stream: string,
    readonly attempts: number,
    options: ErrorOptions,
  ) {
    super(
      `Somebody else appended to ${stream} in each of ${attempts} attempts. The input will be delivered again; if this ` +
        `persists, two processes run the same saga without a lease.`,
      options,
    );
  }
}
