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
  const lines = log
    .replaceAll(ansiColours, '')
    .split('\n')
    .filter((line) => line.trim() !== '' && !/^\s+at /.test(line));
  const lastError = lines.findLastIndex((line) => errorIn(line) !== undefined);
  if (lastError === -1) return lines.slice(-tailLines).join('\n');
  const [first = '', ...following] = lines.slice(lastError);
  const end = following.findIndex(beginsEntry);
  const rest = end === -1 ? following : following.slice(0, end);
  return [errorIn(first), ...rest].slice(0, tailLines).join('\n');
}

// eslint-disable-next-line no-control-regex
const ansiColours = /\u001b\[[\d;]*m/g;
const beginsEntry = (line: string): boolean => line.startsWith('[Nest]') || line.startsWith('{"');

/** The message of an entry of level `error` or `fatal`, of pino or of Nest's own logger; undefined for other lines. */
function errorIn(line: string): string | undefined {
  const nest = /^\[Nest\].*? (?:ERROR|FATAL) (.*)$/.exec(line);
  if (nest) return nest[1];
  const entry = parsed(line);
  if (typeof entry?.['level'] !== 'number' || entry['level'] < errorLevel) return undefined;
  const { err, msg } = entry as { err?: { message?: unknown }; msg?: unknown };
  return [err?.message, msg].find((text): text is string => typeof text === 'string' && text !== '');
}

function parsed(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined; // a line that was cut, or not JSON at all
  }
}
