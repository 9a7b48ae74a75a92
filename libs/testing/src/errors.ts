/** What the test bed says when a test cannot go on. */
import { CodedError } from '@annals/core';

/** A condition that was waited for did not come true in time; `cause` is what the last check threw. */
export class NotWithin extends CodedError {
  readonly code = 'TESTING_NOT_WITHIN';

  constructor(
    readonly withinMs: number,
    readonly checks: number,
    lastReason: string,
    options?: ErrorOptions,
  ) {
    super(`Not within ${withinMs} ms (checked ${checks} times). The last check said: ${lastReason}`, options);
  }
}

/** The Jest run could not start a part for this worker; the message of the embedded parts says why and what helps. */
export class TestPartUnavailable extends CodedError {
  readonly code = 'TESTING_PART_UNAVAILABLE';
  override readonly kind = 'unavailable';

  constructor(
    readonly part: string,
    reason: string,
  ) {
    super(`No ${part} for this test: ${reason}`);
  }
}

/** What would be stored differs from what the golden file says was stored. */
export class EventShapesChanged extends CodedError {
  readonly code = 'TESTING_EVENT_SHAPES_CHANGED';

  constructor(
    readonly golden: string,
    readonly problems: readonly string[],
  ) {
    super(
      `The stored shapes of events are not those of ${golden} (to record new ones: ANNALS_RECORD_SHAPES=1):\n` +
        problems.map((problem) => `  - ${problem}`).join('\n'),
    );
  }
}
