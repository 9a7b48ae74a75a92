/** Runs a command that stays until it is asked to stop, and leaves nothing behind however it ends. */
import { constants } from 'node:os';
import { Interrupted } from '../errors.js';
import { stopRequests, type StopRequest } from './stop-requests.js';

export interface Foreground {
  /** Does the command's work; then the command is done, or stays until it is asked to stop (or `until` settles). */
  readonly run: (stop: StopRequest) => Promise<'done' | 'stay' | { readonly until: Promise<unknown> }>;
  /** Ends everything that `run` has started, in order. Runs in every case. */
  readonly cleanUp: (stoppedBy: NodeJS.Signals | undefined) => Promise<void>;
}

/**
 * The second request to stop ends this process at once: apps and parts notice that and end too.
 * @throws what `run` throws; Interrupted when it was stopped before its work was done
 */
export async function inForeground({ run, cleanUp }: Foreground): Promise<void> {
  const stop = stopRequests((signal) => process.exit(exitCodeOf(signal)));
  let stoppedBy: NodeJS.Signals | undefined;
  void stop.requested.then((signal) => (stoppedBy = signal));
  // What is started here does not keep this process alive, and neither does waiting for signals.
  const alive = setInterval(() => undefined, 2 ** 30);
  const work = run(stop);
  try {
    const outcome = await Promise.race([work, stop.requested]);
    if (outcome === 'stay') await stop.requested;
    else if (typeof outcome === 'object') await Promise.race([outcome.until, stop.requested]);
    else if (outcome !== 'done') throw new Interrupted(outcome);
  } finally {
    work.catch(() => undefined); // after a request to stop nobody waits for it any more
    await cleanUp(stoppedBy);
    clearInterval(alive);
  }
}

/** As shells have it: 128 and the signal's number. */
export const exitCodeOf = (signal: NodeJS.Signals): number => 128 + constants.signals[signal];

/** Work that can be cancelled: on a request to stop its signal is aborted, and its own end is waited for. */
export async function cancellable(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  let underway: Promise<void> | undefined;
  await inForeground({
    run: async ({ signal }) => {
      underway = work(signal);
      await underway;
      return 'done';
    },
    cleanUp: async () => {
      await Promise.allSettled([underway]);
    },
  });
}
