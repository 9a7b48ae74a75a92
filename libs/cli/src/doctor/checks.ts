/** What `annals doctor` looks at. */
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Invocation } from '../invocation.js';
import { usedParts, partUrl, withoutPassword, type Part } from '../parts/parts.js';
import { isPortFree } from '../processes/ports.js';
import { readinessOf } from '../processes/readiness.js';
import { readPort, runtimeDir, type App } from '../workspace.js';
import { portOwner } from './port-owner.js';
import { probes } from './probes.js';

/**
 * `ok`; `idle`: it does not run, and nothing keeps it from it; `wrong`: something must be done.
 */
export interface Finding {
  readonly about: string;
  readonly state: 'ok' | 'idle' | 'wrong';
  readonly says: string;
  /** What to do about it. */
  readonly todo?: string;
}

const neededNode = [20, 19] as const;

export function checkNode(version = process.versions.node): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const enough = major > neededNode[0] || (major === neededNode[0] && minor >= neededNode[1]);
  if (enough) return { about: 'Node', state: 'ok', says: version };
  return {
    about: 'Node',
    state: 'wrong',
    says: `${version} is too old`,
    todo: `install Node ${neededNode.join('.')} or newer (https://nodejs.org)`,
  };
}

/** Looks where `annals start` looks, without fetching anything. */
export function checkNatsServer(invocation: Invocation): Finding | undefined {
  const { env } = invocation;
  if (env['NATS_URL'] || !usedParts(invocation).some(({ name }) => name === 'NATS')) return undefined;
  const about = 'nats-server';
  const folders = [
    ...(env['PATH'] ?? '').split(delimiter),
    '/usr/sbin',
    '/usr/local/sbin',
    join(runtimeDir(invocation), 'bin'),
  ];
  const found = folders.map((folder) => join(folder, about)).find(isExecutable);
  if (found !== undefined) return { about, state: 'ok', says: found };
  const todo = 'annals start unpacks it from a Debian package; elsewhere install it, or set NATS_URL';
  return { about, state: 'idle', says: 'not on this machine yet', todo };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export async function checkPart(part: Part, invocation: Invocation): Promise<Finding> {
  const { name: about, urlVariable, portVariable, defaultPort } = part;
  const url = partUrl(invocation, part);
  const shown = withoutPassword(url);
  const problem = await probes[urlVariable](url);
  if (problem === undefined) return { about, state: 'ok', says: shown };
  if (invocation.env[urlVariable]) {
    const todo = `start it, or correct ${urlVariable}; without the variable, annals starts one itself`;
    return { about, state: 'wrong', says: `${shown}: ${problem}`, todo };
  }
  const port = readPort(invocation.env, portVariable, defaultPort);
  if (await isPortFree(port, '127.0.0.1'))
    return { about, state: 'idle', says: notRunning(port), todo: 'annals start, or annals infra' };
  return { about, state: 'wrong', ...taken(port, portVariable, problem) };
}

export async function checkApp(app: App, host: string): Promise<Finding> {
  const { name: about, port, portVariable, entry } = app;
  const url = `http://${host}:${port}`;
  if (await isPortFree(port, host)) {
    if (!existsSync(entry)) return { about, state: 'wrong', says: 'is not built', todo: 'npm run build' };
    return { about, state: 'idle', says: notRunning(port), todo: 'annals start' };
  }
  const readiness = await readinessOf(url);
  if (readiness.ready) return { about, state: 'ok', says: url };
  if (readiness.status === undefined || readiness.status === 404)
    return { about, state: 'wrong', ...taken(port, portVariable, readiness.reason) };
  return { about, state: 'wrong', says: `${url} is not ready: ${readiness.reason}`, todo: 'mend what it names' };
}

const notRunning = (port: number): string =>
  port === 0 ? 'not known to run: its port is chosen when it starts' : `not running, port ${port} is free`;

function taken(port: number, variable: string, problem: string): Pick<Finding, 'says' | 'todo'> {
  const owner = portOwner(port);
  return {
    says: `port ${port} is taken by ${owner ?? 'somebody else'} (${problem})`,
    todo: `stop that, or choose another port with ${variable}=<port>`,
  };
}
