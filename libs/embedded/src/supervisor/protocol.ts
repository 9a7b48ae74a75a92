/** What the owner of a part and the supervisor of its process say to each other over their IPC channel. */
import type { PartExit } from '../running-part.js';

/** One step towards the end of a process: send the signal, then give it time. */
export interface StopStep {
  readonly signal: NodeJS.Signals;
  readonly withinMs: number;
}

/** A program to run under supervision. */
export interface SupervisedCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly uid?: number;
  readonly gid?: number;
  /** Taken in turn until the process is gone; after the last one it is killed. */
  readonly stop: readonly StopStep[];
  /** A folder to remove once the process has ended. */
  readonly discard?: string;
}

export type ToSupervisor = { readonly type: 'run'; readonly command: SupervisedCommand } | { readonly type: 'stop' };

export type FromSupervisor =
  | { readonly type: 'started'; readonly pid: number }
  | { readonly type: 'failed'; readonly message: string }
  | ({ readonly type: 'exited' } & PartExit);
