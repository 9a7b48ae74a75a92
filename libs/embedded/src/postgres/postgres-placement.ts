/**
 * Where Postgres' programs and data lie. Normally the programs stay in node_modules and the data where the caller wants
 * them. Below a folder that the account of Postgres cannot enter (a clone in /root, say) both go below
 * /var/lib/annals instead: the programs under their version, the data under a name made from the wanted path, with a
 * symlink at the wanted path. The link is the authority: without it (somebody removed `.runtime` to begin afresh) what
 * lies at the other place is forgotten.
 */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { PostgresDataUnusable } from '../errors.js';
import type { Progress } from '../running-part.js';
import { cloneFolder, type Owner } from './clone-folder.js';
import { canReach } from './postgres-account.js';
import { postgresProgram, type PostgresBinaries } from './postgres-binaries.js';

const reachableRoot = '/var/lib/annals';

/** A folder that every account can enter. */
function reachableFolder(...path: string[]): string {
  const folder = join(reachableRoot, ...path);
  mkdirSync(folder, { recursive: true });
  chmodSync(reachableRoot, 0o755);
  chmodSync(folder, 0o755);
  return folder;
}

/** The programs in a place where `account` can run them. */
export function placePrograms(binaries: PostgresBinaries, account: Owner | undefined, progress: Progress): string {
  const { home, version } = binaries;
  if (
    canReach(account, postgresProgram(home, 'postgres')) &&
    canReach(account, join(home, 'share/postgresql/postgres.bki'), '-r')
  )
    return home;
  const copy = join(reachableFolder('programs'), `postgres-${version}`);
  if (existsSync(copy)) return copy;
  progress(`Postgres' account cannot enter ${home}: copying its programs to ${copy}`);
  const unfinished = `${copy}.${process.pid}`;
  rmSync(unfinished, { recursive: true, force: true });
  cloneFolder(home, unfinished, { everybody: 'read' });
  try {
    renameSync(unfinished, copy);
  } catch (error) {
    if (!existsSync(copy)) throw error;
    rmSync(unfinished, { recursive: true }); // another process made the same copy meanwhile
  }
  return copy;
}

/** The data folder for `wanted` in a place that `account` can enter; it need not exist yet, its parent does. */
export function placeData(wanted: string, account: Owner | undefined, progress: Progress): string {
  const parent = dirname(wanted);
  mkdirSync(parent, { recursive: true });
  if (canReach(account, parent)) return wanted;
  const name = `${basename(wanted)}-${createHash('sha256').update(wanted).digest('hex').slice(0, 12)}`;
  const elsewhere = join(reachableFolder('data'), name);
  const present = lstatSync(wanted, { throwIfNoEntry: false });
  if (present?.isSymbolicLink()) {
    if (readlinkSync(wanted) === elsewhere) return elsewhere;
    unlinkSync(wanted); // came along with a copied or moved checkout: that data is not ours
  } else if (present) {
    throw new PostgresDataUnusable(wanted, `the account that Postgres runs under cannot enter ${parent}`);
  }
  progress(`Postgres' account cannot enter ${parent}: its data lies in ${elsewhere}, ${wanted} is a link to it`);
  rmSync(elsewhere, { recursive: true, force: true });
  symlinkSync(elsewhere, wanted);
  return elsewhere;
}

/** Where temporary data can be made so that `account` can enter it. */
export const temporaryRoot = (preferred: string, account: Owner | undefined): string =>
  canReach(account, preferred) ? preferred : reachableFolder('temporary');
