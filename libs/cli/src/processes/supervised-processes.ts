/**
 * Processes that belong together: started, watched, started again when they die, and stopped together.
 *
 *   starting --ready--> running --dies--> waiting (backoff) --> starting again --ready--> running
 *      '-- fails: told to the caller      '-- too many deaths in a short time, or stop(): gone
 */
import { pause } from '@annals/core';
import type { PartExit } from '@annals/embedded';

export interface RunningProcess {
  readonly logFile: string;
  /** Resolves when the process has ended, for whatever reason. */
  readonly exited: Promise<PartExit>;
  stop(): Promise<void>;
}

/** Starts the process and waits until it is ready; `signal` says that it is not wanted any more. */
export type Launch<P extends RunningProcess> = (signal: AbortSignal) => Promise<P>;

export interface RestartPolicy {
  readonly maxRestarts: number;
  /** After that time of running well, earlier deaths are forgotten. */
  readonly forgetAfterMs: number;
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
}

const usual: RestartPolicy = { maxRestarts: 5, forgetAfterMs: 60_000, firstDelayMs: 250, maxDelayMs: 8_000 };

/** For what is just being started; what comes too late ends with this process. */
const patienceMs = 10_000;

export class SupervisedProcesses {
  private readonly stopping = new AbortController();
  private readonly running = new Map<string, RunningProcess>();
  private readonly underway = new Set<Promise<unknown>>();

  /** @param tell says in a line what happens to a process that was running */
  constructor(
    private readonly tell: (line: string) => void,
    private readonly policy: RestartPolicy = usual,
  ) {}

  /** Starts a process and keeps it running from then on. `relaunch` is for a process that must come back where it was. */
  async start<P extends RunningProcess>(
    name: string,
    launch: Launch<P>,
    relaunch: (first: P) => Launch<RunningProcess> = () => launch,
  ): Promise<P> {
    const first = await this.launch(name, launch);
    this.inBackground(this.watch(name, first, relaunch(first)));
    return first;
  }

  /** Stops all of them at the same time, also those that are just being started. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await Promise.allSettled([...this.running.values()].map((running) => running.stop()));
    // What was being started when the others were stopped stops itself, and is not waited for without end.
    const waited = new AbortController();
    await Promise.race([Promise.allSettled(this.underway), pause(patienceMs, waited.signal)]);
    waited.abort();
  }

  private async launch<P extends RunningProcess>(name: string, launch: Launch<P>): Promise<P> {
    this.stopping.signal.throwIfAborted();
    const launching = launch(this.stopping.signal);
    const kept = launching.then(async (running) => {
      if (this.stopping.signal.aborted) await running.stop();
      else this.running.set(name, running);
    });
    this.inBackground(kept);
    const running = await launching;
    this.stopping.signal.throwIfAborted();
    return running;
  }

  private async watch(name: string, first: RunningProcess, launch: Launch<RunningProcess>): Promise<void> {
    const { maxRestarts, forgetAfterMs } = this.policy;
    let current: RunningProcess | undefined = first;
    for (let deaths = 1; ; deaths++) {
      const since = performance.now();
      const how = current === undefined ? undefined : await this.endOf(name, current);
      if (this.stopping.signal.aborted) return;
      if (performance.now() - since > forgetAfterMs) deaths = 1;
      if (how !== undefined) this.tell(how);
      if (deaths > maxRestarts) {
        this.tell(
          `${name}: gave up after ${maxRestarts} restarts. The rest goes on without it. Its log is ${first.logFile}`,
        );
        return;
      }
      current = await this.again(name, launch, deaths);
    }
  }

  private async endOf(name: string, { exited, logFile }: RunningProcess): Promise<string> {
    const exit = await exited;
    this.running.delete(name);
    return `${name} ended with ${describeExit(exit)}; it is started again. Its log is ${logFile}`;
  }

  /** @returns undefined when it could not be started */
  private async again(
    name: string,
    launch: Launch<RunningProcess>,
    attempt: number,
  ): Promise<RunningProcess | undefined> {
    const { firstDelayMs, maxDelayMs } = this.policy;
    try {
      await pause(Math.min(maxDelayMs, firstDelayMs * 2 ** (attempt - 1)), this.stopping.signal);
      const began = performance.now();
      const running = await this.launch(name, launch);
      this.tell(`${name} is back after ${((performance.now() - began) / 1000).toFixed(1)} s`);
      return running;
    } catch (error) {
      if (!this.stopping.signal.aborted) this.tell(error instanceof Error ? error.message : String(error));
      return undefined;
    }
  }

  private inBackground(work: Promise<unknown>): void {
    const settled = work.catch(() => undefined).finally(() => this.underway.delete(settled));
    this.underway.add(settled);
  }
}

/** Neither code nor signal: it could not even be started. */
export const describeExit = ({ code, signal }: PartExit): string =>
  signal ? `signal ${signal}` : code === null ? 'no exit code' : `exit code ${code}`;
