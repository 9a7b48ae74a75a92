/** What the system tells about processes, our own or not. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readlinkSync } from 'node:fs';

const procfs = existsSync('/proc/self/stat');

/** `undefined` when the process is gone, or is not ours to look into. */
function look<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

/** One letter from `pid (name) state …`; the name may hold anything. */
function stateOf(pid: number): string | undefined {
  const stat = look(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  return stat?.charAt(stat.lastIndexOf(')') + 2);
}

/**
 * Whether process `pid` runs, also one of another account. One that has ended does not count, though its parent may not
 * have taken note yet: in a container nobody may ever do so for orphans.
 */
export function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false; // 0 and negative ones would mean groups of processes
  if (procfs) return !['Z', undefined].includes(stateOf(pid));
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The program and arguments of process `pid`; undefined when there is none, or the system does not tell. */
export function commandLineOf(pid: number): string | undefined {
  if (!isAlive(pid)) return undefined;
  if (procfs) return look(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')) || undefined;
  if (process.platform === 'win32') return undefined;
  return spawnSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).stdout.trim() || undefined;
}

/** Whether this system tells in which folder a process works. */
export const tellsWorkingFolders = procfs;

export const workingFolderOf = (pid: number): string | undefined => look(() => readlinkSync(`/proc/${pid}/cwd`));
