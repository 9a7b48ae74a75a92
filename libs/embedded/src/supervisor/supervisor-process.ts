/**
 * A process between the owner of a part and the part: it runs one program and ends it when the owner says so, or when
 * the owner is gone. It notices that by the IPC channel, a socket pair that the kernel closes with the owner's process,
 * `kill -9` included; nothing the owner might forget is involved. Watching from a third process serves programs that
 * cannot watch for themselves (Postgres, nats-server), works where the program runs under another account, and leaves
 * time for a graceful end. Should this process itself be killed, the owner ends the program (see supervise.ts).
 *
 *   waiting --run--> running --stop | disconnect | SIGTERM, SIGINT, SIGHUP--> stopping --> exited
 *                       '---------------- the program ends by itself ----------------------^
 *
 * stdout and stderr are the part's log and are handed on to the program.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { rmSync } from 'node:fs';
import type { FromSupervisor, StopStep, SupervisedCommand, ToSupervisor } from './protocol.js';

let running: { child: ChildProcess; command: SupervisedCommand } | undefined;
let stopping = false;

/** Tells the owner, if there still is one; `then` runs in either case. */
function tell(message: FromSupervisor, then: () => void = () => undefined): void {
  if (process.connected) process.send?.(message, then);
  else then();
}

function finish(message: FromSupervisor, command: SupervisedCommand): void {
  if (command.discard !== undefined) rmSync(command.discard, { recursive: true, force: true, maxRetries: 5 });
  tell(message, () => process.exit(0));
}

function run(command: SupervisedCommand): void {
  const child = spawn(command.command, command.args, {
    env: command.env,
    cwd: '/',
    stdio: ['ignore', 'inherit', 'inherit'],
    ...(command.uid !== undefined && { uid: command.uid }),
    ...(command.gid !== undefined && { gid: command.gid }),
  });
  child.once('spawn', () => tell({ type: 'started', pid: child.pid ?? 0 }));
  child.once('error', (error) => {
    if (child.pid === undefined) finish({ type: 'failed', message: error.message }, command);
  });
  child.once('exit', (code, signal) => finish({ type: 'exited', code, signal }, command));
  running = { child, command };
}

function stop(): void {
  if (!running) process.exit(0);
  if (stopping) return;
  stopping = true;
  takeSteps(running.child, running.command.stop);
}

function takeSteps(child: ChildProcess, [step, ...later]: readonly StopStep[]): void {
  child.kill(step?.signal ?? 'SIGKILL');
  if (step) setTimeout(() => takeSteps(child, later), step.withinMs);
}

process.on('message', (message: ToSupervisor) => {
  if (message.type === 'run') run(message.command);
  else stop();
});
process.on('disconnect', stop);
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, stop);
