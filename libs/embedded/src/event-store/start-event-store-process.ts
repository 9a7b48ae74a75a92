/** The embedded event store as a supervised process of its own, so that it can be killed and restarted apart from its owner. */
import { rmSync } from 'node:fs';
import { PartNotStarted, PortTaken } from '../errors.js';
import { assertPortFree } from '../ports.js';
import { logTail, partFolders, type RunningPart } from '../running-part.js';
import { compiledEntry } from '../supervisor/compiled-entry.js';
import { supervise } from '../supervisor/supervise.js';

export interface EventStoreProcessOptions {
  /** Default 2113; 0 takes a free one. */
  readonly port?: number;
  /** Where the events live. Without it: in memory, gone with the process. */
  readonly dataDir?: string;
}

const defaultPort = 2113;
const readyWithinMs = 60_000;
const stopSteps = [{ signal: 'SIGTERM', withinMs: 8_000 }] as const;

/**
 * Starts the event store on 127.0.0.1 and waits until it serves.
 * @throws {PortTaken | NotBuilt | PartNotStarted}
 */
export async function startEventStoreProcess(options: EventStoreProcessOptions = {}): Promise<RunningPart> {
  const { port = defaultPort } = options;
  await assertPortFree('The event store', port, 'EVENTSTORE_PORT');
  const entry = compiledEntry('event-store/event-store-process.js');
  const { dataDir, logFile, temporary } = partFolders('event-store', options.dataDir);
  const { NODE_OPTIONS: _, ...env } = process.env as Record<string, string>;
  const command = {
    command: process.execPath,
    args: ['--enable-source-maps', entry, String(port), ...(temporary === undefined ? [dataDir] : [])],
    env,
    stop: stopSteps,
    ...(temporary !== undefined && { discard: temporary }),
  };
  try {
    const { pid, exited, stop, whenReady, logOffset } = await supervise('The event store', command, logFile);
    const url = await whenReady(() => /^ready (\S+)$/m.exec(logTail(logFile, logOffset))?.[1], readyWithinMs);
    return { url, port: portOf(url), pid, logFile, exited, stop };
  } catch (error) {
    if (temporary !== undefined) rmSync(temporary, { recursive: true, force: true });
    if (error instanceof PartNotStarted && /EADDRINUSE/.test(error.lastLines) && port !== 0) {
      throw new PortTaken('The event store', port, 'EVENTSTORE_PORT');
    }
    throw error;
  }
}

/** `URL` knows no default port for `esdb:`, so the port is always written out. */
const portOf = (url: string): number => Number(new URL(url).port);
