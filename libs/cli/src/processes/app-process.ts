/** One app as a process of its own, with its log in a file. */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pause } from '@annals/core';
import { NotBuilt, type PartExit } from '@annals/embedded';
import { AppNotBuilt, AppNotReady } from '../errors.js';
import type { App } from '../workspace.js';
import { failureIn, openLog, readTail } from './app-log.js';
import { readinessOf } from './readiness.js';
import { describeExit, type RunningProcess } from './supervised-processes.js';

export interface AppProcess extends RunningProcess {
  readonly app: App;
  /** Base URL of its HTTP server. */
  readonly url: string;
  readonly pid: number;
}

export interface AppSurroundings {
  readonly root: string;
  readonly logDir: string;
  /** The address that apps listen on. */
  readonly host: string;
  readonly env: Readonly<NodeJS.ProcessEnv>;
}

const readyWithinMs = 60_000;
const pollEveryMs = 50;
/** An app drains within 10 s; what takes longer is stuck. */
const killAfterMs = 12_000;

/**
 * Starts an app and waits until it is ready.
 * @throws AppNotBuilt, AppNotReady
 */
export async function launchApp(app: App, around: AppSurroundings, signal: AbortSignal): Promise<AppProcess> {
  if (!existsSync(app.entry)) throw new AppNotBuilt(app.name, app.entry);
  const logFile = join(around.logDir, `${app.name}.log`);
  const log = openLog(logFile);
  const child = spawnApp(app, around, log.descriptor);
  closeSync(log.descriptor);
  const exited = exitOf(child);
  const stop = () => terminate(child, exited);

  const url = urlOf(app, around.host);
  const notReady = await waitUntilReady(url, exited, signal);
  if (notReady === undefined) return { app, url, pid: child.pid ?? 0, logFile, exited, stop };
  await stop();
  signal.throwIfAborted();
  throw new AppNotReady(app.name, notReady, logFile, failureIn(readTail(logFile, log.offset)));
}

/** @returns undefined when it is ready, else why it is not */
async function waitUntilReady(
  url: string,
  exited: Promise<PartExit>,
  signal: AbortSignal,
): Promise<string | undefined> {
  const deadline = performance.now() + readyWithinMs;
  let ended: PartExit | undefined;
  void exited.then((exit) => (ended = exit));
  for (;;) {
    const readiness = await Promise.race([readinessOf(url), exited.then(() => undefined)]);
    if (ended !== undefined) return `it ended with ${describeExit(ended)}`;
    if (readiness?.ready) return undefined;
    if (signal.aborted) return 'it is not wanted any more';
    if (performance.now() > deadline)
      return `it was not ready within ${readyWithinMs / 1000} s (${readiness?.reason ?? 'no answer'})`;
    await pause(pollEveryMs, signal);
  }
}

/** In a session of its own: Ctrl-C in a terminal reaches only the CLI, which stops its processes in order. */
function spawnApp(app: App, { root, env, host }: AppSurroundings, log: number): ChildProcess {
  return spawn(process.execPath, ['--enable-source-maps', '--import', compiledPreload(), app.entry], {
    cwd: root,
    env: { NO_COLOR: '1', ...env, HOST: host, [app.portVariable]: String(app.port) },
    detached: true,
    stdio: ['ignore', log, log, 'ipc'],
  });
}

const exitOf = (child: ChildProcess): Promise<PartExit> =>
  new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    // Not even started: there will be no exit. What ails it stands in `code` of the error, for instance EAGAIN.
    child.once('error', () => child.pid === undefined && resolve({ code: null, signal: null }));
  });

async function terminate(child: ChildProcess, exited: Promise<PartExit>): Promise<void> {
  child.kill('SIGTERM');
  const giveUp = setTimeout(() => child.kill('SIGKILL'), killAfterMs);
  await exited;
  clearTimeout(giveUp);
}

/** The child runs compiled code, also when the CLI itself runs from source. */
function compiledPreload(): string {
  const url = new URL('../../dist/processes/end-with-owner.js', import.meta.url);
  if (!existsSync(url)) throw new NotBuilt(fileURLToPath(url));
  return url.href;
}

const everywhere = ['0.0.0.0', '::', '*'];

/** Where the app is reached from this machine. */
export const urlOf = ({ port }: App, host: string): string => {
  const reachable = everywhere.includes(host) ? '127.0.0.1' : host;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
};
