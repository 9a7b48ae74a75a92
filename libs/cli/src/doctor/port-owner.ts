/** Who listens on a port of this machine, as far as the system tells (Linux: /proc). */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

const listening = '0A';

/** @returns for instance `process 4711 (node)`; undefined when it cannot be told */
export function portOwner(port: number): string | undefined {
  const inodes = new Set(['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) => listeningInodes(table, port)));
  if (inodes.size === 0) return undefined;
  const pid = tryRead(() => readdirSync('/proc'), [])
    .filter((name) => /^\d+$/.test(name))
    .find((candidate) => holds(candidate, inodes));
  if (pid === undefined) return undefined;
  return `process ${pid} (${tryRead(() => readFileSync(`/proc/${pid}/comm`, 'utf8').trim(), 'unknown')})`;
}

/** Columns of the table: number, local address, remote address, state, …, inode as the tenth. */
function listeningInodes(table: string, port: number): string[] {
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0');
  return tryRead(() => readFileSync(table, 'utf8'), '')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((columns) => columns[1]?.endsWith(`:${hexPort}`) && columns[3] === listening)
    .flatMap((columns) => columns[9] ?? []);
}

const holds = (pid: string, inodes: ReadonlySet<string>): boolean =>
  tryRead(() => readdirSync(`/proc/${pid}/fd`), []).some((descriptor) => {
    const inode = /^socket:\[(\d+)\]$/.exec(tryRead(() => readlinkSync(`/proc/${pid}/fd/${descriptor}`), ''))?.[1];
    return inode !== undefined && inodes.has(inode);
  });

/** Processes come and go while one looks, and some are not ours to look into. */
function tryRead<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}
