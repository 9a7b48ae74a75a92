/** An app's log file: where this run begins in it, and what it says about a failure. */
import { closeSync, existsSync, fstatSync, mkdirSync, openSync, readSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** One earlier log is kept, so that logs do not grow without end. */
const maximumBytes = 10_000_000;
const tailBytes = 32_000;
const tailLines = 8;
/** Of pino: `error` is 50, `fatal` 60. */
const errorLevel = 50;

export interface AppLog {
  /** Opened for appending: to be given to the process as stdout and stderr, then closed. */
  readonly descriptor: number;
  readonly offset: number;
}

export function openLog(logFile: string): AppLog {
  mkdirSync(dirname(logFile), { recursive: true });
  if (existsSync(logFile) && statSync(logFile).size > maximumBytes) renameSync(logFile, `${logFile}.old`);
  const descriptor = openSync(logFile, 'a');
  return { descriptor, offset: fstatSync(descriptor).size };
}

export function readTail(logFile: string, offset: number): string {
  const file = openSync(logFile, 'r');
  try {
    const { size } = fstatSync(file);
    const from = Math.max(offset, size - tailBytes);
    const buffer = Buffer.alloc(Math.max(0, size - from));
    readSync(file, buffer, 0, buffer.length, from);
    return buffer.toString('utf8').trim();
  } finally {
    closeSync(file);
  }
}

/** What a log tells about why its process failed: the last error in it, else its last lines. */
export function failureIn(log: string): string {
  const lines = log.split('\n').filter((line) => line.trim() !== '');
  const lastError = lines.map(errorMessage).findLast((message) => message !== undefined);
  return (
    lastError ??
    lines
      .filter((line) => !/^\s+at /.test(line))
      .slice(-tailLines)
      .join('\n')
  );
}

/** The message of an entry of level `error` or `fatal`; undefined for other lines. */
function errorMessage(line: string): string | undefined {
  const entry = parsed(line);
  if (typeof entry?.['level'] !== 'number' || entry['level'] < errorLevel) return undefined;
  const { err, msg } = entry as { err?: { message?: unknown }; msg?: unknown };
  const texts = [err?.message, msg].filter((text): text is string => typeof text === 'string' && text !== '');
  return texts[0];
}

function parsed(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined; // a line that was cut, or not JSON at all
  }
}
