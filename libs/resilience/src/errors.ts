import { CodedError } from '@annals/core';

/** The dependency failed too often: nobody asks it until the time of the next try. */
export class CircuitOpen extends CodedError {
  readonly code = 'CIRCUIT_OPEN';
  override readonly kind = 'unavailable';

  constructor(
    readonly dependency: string,
    /** When the next call is let through; ISO 8601. */
    readonly nextTryAt: string,
    /** Milliseconds until then; 0 while others are trying. */
    readonly retryAfterMs: number,
  ) {
    super(`'${dependency}' fails at present and is left alone; the next try is at ${nextTryAt}. Ask again after that.`);
  }
}

/** As many calls as are allowed are on their way to the dependency already, and so are as many waiting. */
export class BulkheadFull extends CodedError {
  readonly code = 'BULKHEAD_FULL';
  override readonly kind = 'unavailable';

  constructor(
    readonly dependency: string,
    readonly limit: number,
    readonly queue: number,
  ) {
    super(
      `${limit} calls to '${dependency}' are running and ${queue} wait; there is no room for another. Ask again in a ` +
        `moment; if this lasts, it is too slow, or its bulkhead is too narrow.`,
    );
  }
}

/** The dependency did not answer in time; the call was aborted. Whether it had an effect there is not known. */
export class DependencyTimeout extends CodedError {
  readonly code = 'DEPENDENCY_TIMEOUT';
  override readonly kind = 'unavailable';

  constructor(
    readonly dependency: string,
    readonly timeoutMs: number,
  ) {
    super(`'${dependency}' gave no answer within ${timeoutMs} ms. Repeat the request with the same idempotency key.`);
  }
}

/** There was no connection to the dependency, or it broke. */
export class DependencyUnreachable extends CodedError {
  readonly code = 'DEPENDENCY_UNREACHABLE';
  override readonly kind = 'unavailable';

  constructor(
    readonly dependency: string,
    /** What the system said, for instance `ECONNREFUSED`. */
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(`'${dependency}' cannot be reached (${reason}). Is it running, and is its URL right?`, options);
  }
}

/** The dependency answered that it cannot: a status of 500 and above, or 429. */
export class DependencyFailed extends CodedError {
  readonly code = 'DEPENDENCY_FAILED';
  override readonly kind = 'unavailable';

  constructor(
    readonly dependency: string,
    readonly status: number,
    /** What its `Retry-After` asks for, in milliseconds. */
    readonly retryAfterMs?: number,
  ) {
    super(`'${dependency}' answered ${status}. Its own log says why; the correlation id finds the request there.`);
  }
}

/** The answer of the dependency is larger than what is taken from it. */
export class AnswerTooLarge extends CodedError {
  readonly code = 'DEPENDENCY_ANSWER_TOO_LARGE';

  constructor(
    readonly dependency: string,
    readonly limitBytes: number,
  ) {
    super(`The answer of '${dependency}' is larger than ${limitBytes} bytes. Ask for less, or raise maxAnswerBytes.`);
  }
}

/** The answer of the dependency is not what was asked for. */
export class UnexpectedAnswer extends CodedError {
  readonly code = 'DEPENDENCY_UNEXPECTED_ANSWER';

  constructor(
    readonly dependency: string,
    readonly status: number,
    problem: string,
    options?: ErrorOptions,
  ) {
    super(`'${dependency}' answered ${status}: ${problem}`, options);
  }
}

/** Nobody declared a dependency of this name. */
export class UnknownDependency extends CodedError {
  readonly code = 'RESILIENCE_UNKNOWN_DEPENDENCY';

  constructor(
    readonly dependency: string,
    readonly known: readonly string[],
  ) {
    super(
      `There is no dependency '${dependency}'. Declare it with dependency('${dependency}', {...}); declared are: ` +
        `${known.join(', ') || 'none'}.`,
    );
  }
}

/** Two dependencies have one name. */
export class DuplicateDependency extends CodedError {
  readonly code = 'RESILIENCE_DUPLICATE_DEPENDENCY';

  constructor(readonly dependency: string) {
    super(`'${dependency}' is declared twice. Its policy stands in one place: declare it once and import it.`);
  }
}

/** Policies that cannot work, in the code or in the environment. The boot stops. */
export class InvalidPolicy extends CodedError {
  readonly code = 'RESILIENCE_INVALID_POLICY';

  constructor(readonly problems: readonly string[]) {
    super(`These policies cannot work:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
  }
}

/** The HTTP client was asked for a dependency that has no address. */
export class NoUrl extends CodedError {
  readonly code = 'RESILIENCE_NO_URL';

  constructor(
    readonly dependency: string,
    readonly variable: string,
  ) {
    super(`'${dependency}' has no URL. Give its declaration a url, or set ${variable}.`);
  }
}
