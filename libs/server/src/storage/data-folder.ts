/**
 * The data folder: what it is (format and version), whose it is (a lock that survives nobody), and its chunk files.
 *
 *   annals-event-store.json   format version        lock.json   the process that uses it
 *   log/<first position>.log  the events            index/      LMDB; can be deleted, it is rebuilt from the log
 */
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  fsyncSync,
} from 'node:fs';
import { join } from 'node:path';
import { DataFolderRefused } from '../errors.js';
import { syncFolder } from './file-chunk.js';

export const FORMAT_VERSION = 1;
const MANIFEST = 'annals-event-store.json';
const LOCK = 'lock.json';

export const logFolder = (path: string): string => join(path, 'log');
export const indexFolder = (path: string): string => join(path, 'index');

/** Makes the folder usable or says why it is not. */
export function prepareFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (error) {
    throw new DataFolderRefused(
      path,
      'not-accessible',
      `The data folder ${path} cannot be made (${(error as Error).message}). Choose another path, or mend the permissions.`,
      { cause: error },
    );
  }
  if (!existsSync(join(path, MANIFEST))) {
    const others = readdirSync(path).filter((name) => name !== 'lost+found');
    if (others.length > 0) throw foreign(path, others);
    createManifest(path);
  }
  checkManifest(path);
  mkdirSync(logFolder(path), { recursive: true });
}

const foreign = (path: string, others: readonly string[]): DataFolderRefused =>
  new DataFolderRefused(
    path,
    'foreign',
    `The folder ${path} holds something else (${others.slice(0, 3).join(', ')}), not the data of an Annals event store. Choose an empty folder or a new path.` +
      (others.some((name) => name.startsWith('chunk-'))
        ? ' Data of EventStoreDB itself can be moved here with `annals server export` and `import`.'
        : ''),
  );

function createManifest(path: string): void {
  const file = join(path, MANIFEST);
  try {
    writeFileSync(
      `${file}.new`,
      `${JSON.stringify({ product: 'annals-event-store', format: FORMAT_VERSION, created: new Date().toISOString() })}\n`,
      { mode: 0o600, flush: true },
    );
    renameSync(`${file}.new`, file);
    syncFolder(path);
  } catch (error) {
    throw new DataFolderRefused(
      path,
      'not-accessible',
      `The data folder ${path} cannot be written (${(error as Error).message}). Free space, mend the permissions, or choose another path.`,
      { cause: error },
    );
  }
}

/** @throws DataFolderRefused when the folder is not one of ours, or of a version that this program does not know */
export function checkManifest(path: string): void {
  let manifest: { product?: unknown; format?: unknown } | null;
  try {
    manifest = JSON.parse(readFileSync(join(path, MANIFEST), 'utf8')) as typeof manifest;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      throw foreign(path, existsSync(path) ? readdirSync(path) : []);
    throw corrupted(path, `${MANIFEST} cannot be read (${(error as Error).message})`);
  }
  if (manifest?.product !== 'annals-event-store' || typeof manifest.format !== 'number')
    throw corrupted(path, `${MANIFEST} does not say what it should`);
  if (manifest.format > FORMAT_VERSION)
    throw new DataFolderRefused(
      path,
      'newer-version',
      `The data folder ${path} was written by a newer version of the event store (format ${manifest.format}; this one knows ${FORMAT_VERSION}). Update @annals/server.`,
    );
}

export const corrupted = (path: string, what: string): DataFolderRefused =>
  new DataFolderRefused(
    path,
    'corrupted',
    `The data folder ${path} is corrupted: ${what}. Run \`annals server check\` for details, and restore the folder from a backup.`,
  );

interface Owner {
  readonly pid: number;
  /** Tells two processes with the same id apart: when it started, and in which boot. */
  readonly started: string;
}

function identify(pid: number): Owner | undefined {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return undefined;
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z') return undefined;
    return { pid, started: `${boot}/${fields[19] ?? ''}` };
  } catch {
    return { pid, started: '' }; // not Linux: the id alone has to do
  }
}

/** Takes the folder for this process; returns how to give it back. */
export function lockFolder(path: string): () => void {
  const file = join(path, LOCK);
  const mine = JSON.stringify(identify(process.pid));
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      const handle = openSync(file, 'wx', 0o600);
      writeFileSync(handle, mine);
      fsyncSync(handle);
      closeSync(handle);
      return () => rmSync(file, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST')
        throw new DataFolderRefused(
          path,
          'not-accessible',
          `The data folder ${path} cannot be locked (${(error as Error).message}). Free space, mend the permissions, or choose another path.`,
          { cause: error },
        );
      checkAbandoned(path, file);
      rmSync(file, { force: true });
    }
  }
  throw inUse(path, 'another server that is starting');
}

function checkAbandoned(path: string, file: string): void {
  let owner: Owner | null;
  try {
    owner = JSON.parse(readFileSync(file, 'utf8')) as Owner;
  } catch {
    return; // gone meanwhile, or left half-written by a crash
  }
  const alive = owner && identify(owner.pid);
  if (owner && alive?.started === owner.started) throw inUse(path, `process ${owner.pid}`);
}

const inUse = (path: string, by: string): DataFolderRefused =>
  new DataFolderRefused(
    path,
    'in-use',
    `The data folder ${path} is in use by ${by}. Stop that server, or start this one with another folder.`,
  );
