/** Gets a nats-server program: the machine's own, else one unpacked from the distribution's package. */
import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { NatsServerMissing } from '../errors.js';
import { silent, type Progress } from '../running-part.js';
import { hasDebianPackages, unpackProgram } from './debian-package.js';

export interface NatsServerSource {
  /** Where an unpacked program is kept, as `bin/nats-server`. */
  readonly runtimeDir: string;
  readonly onProgress?: Progress;
  /** Folders to look in, in the form of PATH. Default: PATH and where packages put it. */
  readonly searchPath?: string;
}

const program = process.platform === 'win32' ? 'nats-server.exe' : 'nats-server';
/** Not on the PATH of every account. */
const usualFolders = ['/usr/sbin', '/usr/local/sbin', '/usr/local/bin', '/opt/homebrew/bin'];

/**
 * The path of a nats-server that runs here. Needs the network only the first time, and not at all where one is installed.
 * Processes that ask at the same time all get a complete program.
 * @throws {NatsServerMissing} with the ways to get one
 */
export async function provideNatsServer(source: NatsServerSource): Promise<string> {
  const { onProgress = silent, searchPath = [process.env['PATH'] ?? '', ...usualFolders].join(delimiter) } = source;
  const installed = searchPath
    .split(delimiter)
    .map((folder) => join(folder, program))
    .find(isExecutable);
  if (installed !== undefined) return installed;

  const runtimeDir = resolve(source.runtimeDir);
  const kept = join(runtimeDir, 'bin', program);
  if (!existsSync(kept)) await unpackTo(kept, runtimeDir, onProgress);
  return kept;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // missing and not executable are the same to us: not this one
  }
}

async function unpackTo(kept: string, runtimeDir: string, progress: Progress): Promise<void> {
  if (!(await hasDebianPackages()))
    throw new NatsServerMissing('it is not on PATH, and without apt-get it cannot be fetched');
  mkdirSync(join(runtimeDir, 'bin'), { recursive: true });
  const folder = mkdtempSync(join(runtimeDir, 'nats-server-'));
  try {
    progress("Fetching nats-server from the distribution's packages");
    const unpacked = await unpackProgram('nats-server', program, folder, progress);
    if (unpacked === undefined) throw new Error('the package nats-server holds no such program');
    const { stdout } = await promisify(execFile)(unpacked, ['--version']);
    renameSync(unpacked, kept); // complete or not there at all, whoever else does the same
    progress(`Unpacked ${stdout.trim()} to ${kept}`);
  } catch (cause) {
    const { stderr, message } = cause as { stderr?: string; message: string };
    throw new NatsServerMissing(`it could not be fetched as a package (${(stderr ?? '').trim() || message})`, {
      cause,
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
