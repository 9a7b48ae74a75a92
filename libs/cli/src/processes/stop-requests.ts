/** How people ask a command that runs in the foreground to end: Ctrl-C, a signal, or by ending npm. */

/** Under npm, Ctrl-C arrives twice: from the terminal, and forwarded by npm. It counts as one. */
const onePressMs = 500;
const lookForNpmEveryMs = 500;

export interface StopRequest {
  /** Aborted at the first request; the reason is the signal's name. */
  readonly signal: AbortSignal;
  readonly requested: Promise<NodeJS.Signals>;
}

/** From now on signals ask to stop, and do not end this process. @param insist what the second request does */
export function stopRequests(insist: (signal: NodeJS.Signals) => void, env = process.env): StopRequest {
  const controller = new AbortController();
  let first = 0;
  const requested = new Promise<NodeJS.Signals>((resolve) => {
    const ask = (signal: NodeJS.Signals) => {
      if (!controller.signal.aborted) {
        first = performance.now();
        controller.abort(signal);
        resolve(signal);
      } else if (performance.now() - first > onePressMs) insist(signal);
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, ask);
    if (env['npm_lifecycle_event'] !== undefined) whenOrphaned(() => ask('SIGHUP'));
  });
  return { signal: controller.signal, requested };
}

/** A killed npm forwards nothing; that it is gone is seen by who our parent is. */
function whenOrphaned(tell: () => void): void {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    tell();
  }, lookForNpmEveryMs);
  timer.unref();
}
