/** Takes a program out of a package of the distribution, without root and without installing anything. */
import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Progress } from '../running-part.js';

const run = promisify(execFile);

const downloadWithinMs = 180_000;
/** Where a package may put a program. */
const programFolders = ['usr/sbin', 'usr/bin'];

/** Taken when it is needed, and with messages in English. */
const environment = (): NodeJS.ProcessEnv => ({ ...process.env, LC_ALL: 'C' });

/** Whether this system has what it takes. */
export async function hasDebianPackages(): Promise<boolean> {
  const found = await Promise.allSettled(
    ['apt-get', 'dpkg-deb'].map((tool) => run(tool, ['--version'], { env: environment() })),
  );
  return found.every(({ status }) => status === 'fulfilled');
}

/**
 * Unpacks `packageName` below `folder`. apt checks the distribution's signatures as always. Package lists that are
 * missing or name a version which is gone are fetched anew into `folder`: the system's own stay as they are.
 * @returns the path of `program`, undefined when the package does not hold it
 */
export async function unpackProgram(
  packageName: string,
  program: string,
  folder: string,
  progress: Progress,
): Promise<string | undefined> {
  const unpacked = join(folder, 'unpacked');
  const archive = await download(packageName, folder, progress);
  await run('dpkg-deb', ['--extract', archive, unpacked], { env: environment() });
  for (const programs of programFolders) {
    const path = join(unpacked, programs);
    if (tryReadDir(path).includes(program)) return join(path, program);
  }
  return undefined;
}

async function download(packageName: string, folder: string, progress: Progress): Promise<string> {
  const options = privateOptions(folder);
  const aptGet = (more: readonly string[], ...command: string[]) =>
    run('apt-get', [...options, ...more, ...command], {
      cwd: folder,
      env: environment(),
      timeout: downloadWithinMs,
    });
  try {
    await aptGet([], 'download', packageName);
  } catch {
    // Whatever is wrong with the system's lists, lists of our own are the next thing to try; if they fail, that is told.
    progress(`No usable package lists on this system: fetching them into ${folder}`);
    const lists = join(folder, 'lists');
    mkdirSync(join(lists, 'partial'), { recursive: true });
    const ownLists = ['-o', `Dir::State::lists=${lists}`];
    await aptGet(ownLists, 'update');
    await aptGet(ownLists, 'download', packageName);
  }
  const archive = readdirSync(folder).find((name) => name.endsWith('.deb'));
  if (archive === undefined) throw new Error(`apt-get download ${packageName} left no package in ${folder}`);
  return join(folder, archive);
}

/** A cache of our own, no second account for the download, and only the package lists themselves. */
function privateOptions(folder: string): string[] {
  const cache = join(folder, 'cache');
  mkdirSync(join(cache, 'archives', 'partial'), { recursive: true });
  const options = {
    'Dir::Cache': cache,
    'APT::Sandbox::User': 'root',
    'Acquire::Languages': 'none',
    'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled': 'false',
    'Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled': 'false',
    'Acquire::Retries': '2',
    'Acquire::http::Timeout': '20',
    'Acquire::https::Timeout': '20',
  };
  return ['-q', ...Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`])];
}

function tryReadDir(path: string): string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
