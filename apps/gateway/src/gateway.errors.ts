import { CodedError } from '@annals/core';

/** The rules of the strangler cannot be used; the last good ones hold. */
export class InvalidRules extends CodedError {
  readonly code = 'GATEWAY_INVALID_RULES';
  override readonly kind = 'unprocessable';

  constructor(
    readonly file: string,
    readonly problems: readonly string[],
  ) {
    super(`The rules in ${file} cannot be used:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
  }
}

/** The client asked more often than it may. */
export class TooManyRequests extends CodedError {
  readonly code = 'GATEWAY_TOO_MANY_REQUESTS';
  override readonly kind = 'unavailable';

  constructor(
    readonly limit: number,
    readonly retryAfterMs: number,
  ) {
    super(`More than ${limit} requests in this time are not answered. Ask again after ${retryAfterMs} ms.`);
  }
}

/** The path would leave the route that it was sent to. */
export class UnsafePath extends CodedError {
  readonly code = 'GATEWAY_UNSAFE_PATH';
  override readonly kind = 'invalid';

  constructor() {
    super(`The path holds '.' or '..' as a segment. Ask for the path that is meant.`);
  }
}
