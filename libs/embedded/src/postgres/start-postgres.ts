/** A real Postgres server from npm's binaries, as a supervised process of its own. */
import { chownSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { PartNotStarted, PortTaken } from '../errors.js';
import { assertPortFree, freePort } from '../ports.js';
import { partFolders, silent, temporaryFolder, type Progress, type RunningPart } from '../running-part.js';
import type { SupervisedCommand } from '../supervisor/protocol.js';
import { supervise } from '../supervisor/supervise.js';
import { accountForPostgres } from './postgres-account.js';
import { findPostgresBinaries, majorVersion, postgresProgram } from './postgres-binaries.js';
import { ensureCluster, postgresEnvironment, superuser } from './postgres-cluster.js';
import { placeData, placePrograms, temporaryRoot } from './postgres-placement.js';
import { acceptsConnections, removeStalePid } from './postmaster-pid.js';

export interface PostgresOptions {
  /** Where the data lives. Without it: a temporary folder, removed when the server has ended, however it ended. */
  readonly dataDir?: string;
  /** Default 54329; 0 takes a free one. */
  readonly port?: number;
  /** Default true: what is committed survives a power failure. False is for tests: quick to start, and nothing is synced. */
  readonly durable?: boolean;
  /** Where a ready-made data folder is kept for non-durable servers, which then start in half the time. */
  readonly cacheDir?: string;
  readonly onProgress?: Progress;
}

const defaultPort = 54329;
/** Recovery of a long write-ahead log takes its time; a start after a clean end takes a fraction of a second. */
const readyWithinMs = 60_000;
/** Whoever asks for a free port may lose it to another process before Postgres has it. */
const freePortAttempts = 5;
/** A killed server's backends notice within moments that it is gone, and hold its shared memory until then. */
const orphansGoneWithinMs = 10_000;

const settings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '200',
  timezone: 'UTC',
  log_timezone: 'UTC',
};
const undurable = {
  dynamic_shared_memory_type: 'mmap', // below the data folder, so that nothing outside is left of a killed server
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_wal_size: '256MB',
  shared_buffers: '32MB',
};

/** Fast shutdown (connections are ended, a checkpoint is written), then immediate shutdown: the modes of `pg_ctl stop`. */
const stopSteps = [
  { signal: 'SIGINT', withinMs: 8_000 },
  { signal: 'SIGQUIT', withinMs: 2_000 },
] as const;

/**
 * Starts Postgres on 127.0.0.1 and waits until it accepts connections. `url` has no database in its path; every local
 * account may connect as superuser.
 * @throws {PortTaken | DataInUse | PostgresDataUnusable | PostgresBinariesMissing | PostgresAccountMissing | PartNotStarted}
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<RunningPart> {
  const { port = defaultPort } = options;
  const deadline = Date.now() + orphansGoneWithinMs;
  for (let attempt = 1; ; attempt++) {
    await assertPortFree('Postgres', port, 'POSTGRES_PORT');
    try {
      return await startOnce(options, port || (await freePort()));
    } catch (error) {
      if (!(error instanceof PartNotStarted)) throw error;
      const lostPort = /could not bind|Address already in use/.test(error.lastLines);
      const orphans = /pre-existing shared memory block/.test(error.lastLines);
      if (lostPort && port !== 0) throw new PortTaken('Postgres', port, 'POSTGRES_PORT');
      const again = (lostPort && attempt < freePortAttempts) || (orphans && Date.now() < deadline);
      if (!again) throw error;
    }
  }
}

async function startOnce(options: PostgresOptions, port: number): Promise<RunningPart> {
  const { durable = true, onProgress = silent, cacheDir } = options;
  const binaries = findPostgresBinaries();
  const account = accountForPostgres(options.dataDir);
  const home = placePrograms(binaries, account, onProgress);
  const folders = partFolders('postgres', options.dataDir, temporaryRoot(temporaryFolder(), account));
  const { temporary, logFile } = folders;
  try {
    if (temporary !== undefined && account) chownSync(temporary, account.uid, account.gid);
    const dataDir = placeData(folders.dataDir, account, onProgress);
    const template =
      durable || cacheDir === undefined ? undefined : join(resolve(cacheDir), `postgres-${binaries.version}`);
    await ensureCluster({ dataDir, home, account, durable, template, majorVersion: majorVersion(binaries) });
    removeStalePid(dataDir);

    const command: SupervisedCommand = {
      command: postgresProgram(home, 'postgres'),
      args: serverArguments(dataDir, port, durable),
      env: postgresEnvironment(),
      stop: stopSteps,
      ...account,
      ...(temporary !== undefined && { discard: temporary }),
    };
    const { pid, exited, stop, whenReady } = await supervise('Postgres', command, logFile);
    await whenReady(() => acceptsConnections(dataDir, pid) || undefined, readyWithinMs);
    return { url: `postgres://${superuser}@127.0.0.1:${port}`, port, pid, logFile, exited, stop };
  } catch (error) {
    if (temporary !== undefined) rmSync(temporary, { recursive: true, force: true });
    throw error;
  }
}

function serverArguments(dataDir: string, port: number, durable: boolean): string[] {
  const all = { ...settings, ...(durable ? {} : undurable) };
  return [
    '-D',
    dataDir,
    '-p',
    String(port),
    ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ];
}
