/**
 * `postmaster.pid`, the file by which a running Postgres marks its data folder. Lines, as Postgres' miscadmin.h defines
 * them: pid, data folder, start time, port, socket folder, listen address, shared memory key, status.
 */
import { readFileSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DataInUse } from '../errors.js';
import { commandLineOf, isAlive, tellsWorkingFolders, workingFolderOf } from '../supervisor/process-table.js';

interface PostmasterPid {
  readonly pid: number;
  readonly status: string | undefined;
}

const fileOf = (dataDir: string): string => join(dataDir, 'postmaster.pid');

function read(dataDir: string): PostmasterPid | undefined {
  try {
    const lines = readFileSync(fileOf(dataDir), 'utf8').split('\n');
    return { pid: Number(lines[0]), status: lines[7]?.trim() };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Whether the server `pid` accepts connections; `pg_ctl --wait` asks in the same way. */
export function acceptsConnections(dataDir: string, pid: number): boolean {
  const postmaster = read(dataDir);
  return postmaster?.pid === pid && postmaster.status === 'ready';
}

/**
 * Removes the mark of a server that was killed. Postgres does so itself unless its old process id is now that of another
 * process of the same account, as it often is after a reboot. @throws {DataInUse} when the server still runs
 */
export function removeStalePid(dataDir: string): void {
  const postmaster = read(dataDir);
  if (!postmaster) return;
  if (isAlive(postmaster.pid) && isPostmasterOf(dataDir, postmaster.pid)) {
    throw new DataInUse('Postgres', dataDir, postmaster.pid);
  }
  rmSync(fileOf(dataDir), { force: true });
}

/** A server works in its data folder. Where the system does not tell that, any Postgres has to count as the one. */
function isPostmasterOf(dataDir: string, pid: number): boolean {
  if (tellsWorkingFolders) return workingFolderOf(pid) === realpathSync(dataDir);
  return commandLineOf(pid)?.includes('postgres') ?? process.platform === 'win32';
}
