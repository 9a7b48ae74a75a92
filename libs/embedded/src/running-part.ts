/** What every started part looks like from outside, and where it keeps its files. */
import { closeSync, existsSync, fstatSync, mkdirSync, mkdtempSync, openSync, readSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';

/** How the process of a part ended. */
export interface PartExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/**
 * A part that runs as a process of its own and is ready to serve. It ends with the process that started it, however
 * that one ends, and does not keep it alive.
 */
export interface RunningPart {
  readonly url: string;
  readonly port: number;
  /** The process of the part itself. */
  readonly pid: number;
  readonly logFile: string;
  /** Resolves when the process has ended, for whatever reason. */
  readonly exited: Promise<PartExit>;
  /** Ends the part gracefully, by force when it does not end in time. Resolves when it is gone; may be called twice. */
  stop(): Promise<void>;
}

/** Tells people what is going on, one line at a time. */
export type Progress = (line: string) => void;

export const silent: Progress = () => undefined;

/** Where a part keeps its files. */
export interface PartFolders {
  readonly dataDir: string;
  readonly logFile: string;
  /** The folder to remove once the part has ended, for parts that were given no data folder. */
  readonly temporary?: string;
}

const memoryFolder = '/dev/shm';
/** Containers often have little of it; a test's data, with its log files, needs some hundred MB at most. */
const memoryFolderNeedsBytes = 2_000_000_000;

/** Where temporary data is best kept: in memory where the system has a folder there with room, which is several times quicker. */
export function temporaryFolder(): string {
  if (!existsSync(memoryFolder)) return tmpdir();
  const { bavail, bsize } = statfsSync(memoryFolder);
  return bavail * bsize >= memoryFolderNeedsBytes ? memoryFolder : tmpdir();
}

/** The log lies beside the data: `<dataDir>.log`. Without a data folder both are temporary, below `temporaryRoot`. */
export function partFolders(part: string, dataDir: string | undefined, temporaryRoot = temporaryFolder()): PartFolders {
  if (dataDir !== undefined) {
    const absolute = resolve(dataDir);
    mkdirSync(dirname(absolute), { recursive: true });
    return { dataDir: absolute, logFile: join(dirname(absolute), `${basename(absolute)}.log`) };
  }
  mkdirSync(temporaryRoot, { recursive: true });
  const temporary = mkdtempSync(join(temporaryRoot, `annals-${part}-`));
  return { dataDir: join(temporary, 'data'), logFile: join(temporary, `${part}.log`), temporary };
}

/** The last `bytes` of a log, from `offset` on at the earliest: what a part said since it was started. */
export function logTail(logFile: string, offset = 0, bytes = 4_000): string {
  if (!existsSync(logFile)) return '';
  const file = openSync(logFile, 'r');
  try {
    const { size } = fstatSync(file);
    const from = Math.max(offset, size - bytes);
    const buffer = Buffer.alloc(Math.max(0, size - from));
    readSync(file, buffer, 0, buffer.length, from);
    return buffer.toString('utf8').trim();
  } finally {
    closeSync(file);
  }
}
