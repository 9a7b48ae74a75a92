/** Time as a port: the engine reads and awaits it only here, so that tests move hours in no time. */
import { pause } from '@annals/core';

export interface Clock {
  now(): Date;
  /** Settles after `ms` milliseconds of this clock, or at once when `signal` is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Longest wait that Node's timers take; who waits looks at the clock again afterwards. */
const longestWaitMs = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => new Date(),
  sleep: (ms, signal) => pause(Math.min(Math.max(ms, 0), longestWaitMs), signal),
};
