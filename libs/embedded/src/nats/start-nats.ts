/** A real nats-server with JetStream, as a supervised process of its own. */
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { DataInUse, PartNotStarted, PortTaken } from '../errors.js';
import { assertPortFree } from '../ports.js';
import { partFolders, type RunningPart } from '../running-part.js';
import { commandLineOf } from '../supervisor/process-table.js';
import { supervise } from '../supervisor/supervise.js';

export interface NatsOptions {
  /** The program, see `provideNatsServer`. */
  readonly binary: string;
  /** Default 4222; 0 takes a free one. */
  readonly port?: number;
  /** Where JetStream keeps its streams. Without it: a temporary folder, removed when the server has ended, however it ended. */
  readonly storeDir?: string;
}

const defaultPort = 4222;
/** JetStream reads its streams before it listens. */
const readyWithinMs = 60_000;
const stopSteps = [{ signal: 'SIGINT', withinMs: 8_000 }] as const;

/**
 * Starts nats-server on 127.0.0.1 and waits until it answers.
 * @throws {PortTaken | DataInUse | PartNotStarted}
 */
export async function startNats({ binary, port = defaultPort, storeDir }: NatsOptions): Promise<RunningPart> {
  await assertPortFree('nats-server', port, 'NATS_PORT');
  const { dataDir, logFile, temporary } = partFolders('nats', storeDir);
  mkdirSync(dataDir, { recursive: true });
  assertNotInUse(dataDir);
  const command = {
    command: binary,
    args: serverArguments(dataDir, port),
    env: process.env as Record<string, string>,
    stop: stopSteps,
    ...(temporary !== undefined && { discard: temporary }),
  };
  try {
    const { pid, exited, stop, whenReady } = await supervise('nats-server', command, logFile);
    const url = await whenReady(() => urlOf(dataDir, pid), readyWithinMs);
    return { url, port: Number(new URL(url).port), pid, logFile, exited, stop };
  } catch (error) {
    if (temporary !== undefined) rmSync(temporary, { recursive: true, force: true });
    if (error instanceof PartNotStarted && /address already in use/.test(error.lastLines) && port !== 0) {
      throw new PortTaken('nats-server', port, 'NATS_PORT');
    }
    throw error;
  }
}

const pidFile = (dataDir: string): string => join(dataDir, 'nats-server.pid');

function serverArguments(dataDir: string, port: number): string[] {
  const listen = ['--addr', '127.0.0.1', '--port', String(port === 0 ? -1 : port)];
  return [...listen, '--jetstream', '--store_dir', dataDir, '--ports_file_dir', dataDir, '--pid', pidFile(dataDir)];
}

/** nats-server does not guard its data against a second server, so we do. @throws {DataInUse} */
function assertNotInUse(dataDir: string): void {
  if (existsSync(pidFile(dataDir))) {
    const pid = Number(readFileSync(pidFile(dataDir), 'utf8'));
    if (commandLineOf(pid)?.includes(dataDir)) throw new DataInUse('nats-server', dataDir, pid);
  }
  for (const name of readdirSync(dataDir)) if (name.endsWith('.ports')) rmSync(join(dataDir, name), { force: true });
}

/** The address from the file that the server writes when it listens, once it also answers there. */
async function urlOf(dataDir: string, pid: number): Promise<string | undefined> {
  const name = readdirSync(dataDir).find((file) => file.endsWith(`_${pid}.ports`));
  if (name === undefined) return undefined;
  const url = /"(nats:\/\/[^"]+)"/.exec(readFileSync(join(dataDir, name), 'utf8'))?.[1];
  return url !== undefined && (await answersPing(url)) ? url : undefined;
}

/** One round of the NATS protocol: INFO from the server, then PING and PONG. */
function answersPing(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    let received = '';
    const socket = connect(Number(port), hostname, () => socket.write('CONNECT {"verbose":false}\r\nPING\r\n'));
    socket.setTimeout(1_000, () => socket.destroy());
    socket.on('data', (chunk) => {
      received += chunk.toString();
      if (received.includes('PONG')) socket.destroy();
    });
    socket.on('error', () => undefined); // not there yet: `close` follows
    socket.on('close', () => resolve(received.includes('PONG')));
  });
}
