/** Runs a program under a supervisor process (see supervisor-process.ts) and gives its owner a hold on it. */
import { fork, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync, renameSync, statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { PartNotStarted } from '../errors.js';
import { logTail, type PartExit } from '../running-part.js';
import { compiledEntry } from './compiled-entry.js';
import { isAlive } from './process-table.js';
import type { FromSupervisor, SupervisedCommand, ToSupervisor } from './protocol.js';

/** A program that has been started; whether it is ready is another question. */
export interface SupervisedProcess {
  readonly pid: number;
  /** Where in the log file this run begins. */
  readonly logOffset: number;
  readonly exited: Promise<PartExit>;
  readonly stop: () => Promise<void>;
  /** Rejects when the program ends or `withinMs` are over before `ready` gives a value; the program is then stopped. */
  readonly whenReady: <T>(ready: () => T | undefined | Promise<T | undefined>, withinMs: number) => Promise<T>;
}

/** One earlier log is kept, so that logs do not grow without end. */
const maximumLogBytes = 10_000_000;
/** Time for the supervisor to go once the program it watches must be gone. */
const supervisorGraceMs = 2_000;
const pollEveryMs = 10;

/** @param part the name that errors call it by */
export async function supervise(part: string, command: SupervisedCommand, logFile: string): Promise<SupervisedProcess> {
  const { supervisor, logOffset } = forkSupervisor(logFile);
  let partExit: PartExit | undefined;
  const supervisorGone = goneAndHeard(supervisor);
  const started = new Promise<number>((resolve, reject) => {
    const fail = (reason: string) => reject(new PartNotStarted(part, reason, logFile, logTail(logFile, logOffset)));
    supervisor.on('message', (message: FromSupervisor) => {
      if (message.type === 'started') resolve(message.pid);
      else if (message.type === 'exited') partExit = { code: message.code, signal: message.signal };
      else fail(message.message);
    });
    supervisor.once('error', (error) => fail(error.message));
    void supervisorGone.then(() => fail('its supervisor process ended'));
  });

  send(supervisor, { type: 'run', command });
  const pid = await started;
  // The end of a part is the end of its supervisor: by then the program is gone and what was temporary is removed.
  const exited = supervisorGone.then(async () => partExit ?? { code: null, signal: await killUnsupervised(pid) });

  const stop = async (): Promise<void> => {
    supervisor.ref();
    supervisor.channel?.ref();
    send(supervisor, { type: 'stop' });
    const bound = command.stop.reduce((sum, step) => sum + step.withinMs, supervisorGraceMs);
    const giveUp = setTimeout(() => supervisor.kill('SIGKILL'), bound);
    await exited;
    clearTimeout(giveUp);
  };

  const whenReady = async <T>(ready: () => T | undefined | Promise<T | undefined>, withinMs: number): Promise<T> => {
    const deadline = Date.now() + withinMs;
    let ended: PartExit | undefined;
    void exited.then((exit) => (ended = exit));
    for (;;) {
      const value = await ready();
      if (value !== undefined) {
        supervisor.unref();
        supervisor.channel?.unref();
        return value;
      }
      if (ended !== undefined || Date.now() > deadline) {
        const reason = ended ? `it ended with ${describe(ended)}` : `it was not ready within ${withinMs / 1000} s`;
        const lines = logTail(logFile, logOffset);
        await stop();
        throw new PartNotStarted(part, reason, logFile, lines);
      }
      await delay(pollEveryMs);
    }
  };

  return { pid, logOffset, exited, stop, whenReady };
}

/** The supervisor leads a session of its own: Ctrl-C in a terminal reaches only the owner, which stops its parts in order. */
function forkSupervisor(logFile: string): { supervisor: ChildProcess; logOffset: number } {
  const entry = compiledEntry('supervisor/supervisor-process.js');
  if (existsSync(logFile) && statSync(logFile).size > maximumLogBytes) renameSync(logFile, `${logFile}.old`);
  const log = openSync(logFile, 'a');
  try {
    const { NODE_OPTIONS: _, ...env } = process.env;
    const supervisor = fork(entry, [], {
      cwd: '/',
      detached: true,
      env,
      execArgv: [],
      stdio: ['ignore', log, log, 'ipc'],
    });
    return { supervisor, logOffset: statSync(logFile).size };
  } finally {
    closeSync(log);
  }
}

/** Resolves when the process has ended and its last message has been read: either may be seen first. */
async function goneAndHeard(child: ChildProcess): Promise<void> {
  await Promise.all(
    (['exit', 'disconnect'] as const).map((event) => new Promise((resolve) => child.once(event, resolve))),
  );
}

/** A channel that is closed means a supervisor that is gone, which its `exit` tells: nothing is lost here. */
function send(supervisor: ChildProcess, message: ToSupervisor): void {
  if (supervisor.connected) supervisor.send(message, () => undefined);
}

/** The supervisor was killed: nobody watches the program any more, so it is ended here. */
async function killUnsupervised(pid: number): Promise<NodeJS.Signals> {
  const deadline = Date.now() + supervisorGraceMs;
  while (isAlive(pid) && Date.now() < deadline) {
    process.kill(pid, 'SIGKILL');
    await delay(pollEveryMs);
  }
  return 'SIGKILL';
}

const describe = ({ code, signal }: PartExit): string => (signal ? `signal ${signal}` : `exit code ${code}`);
