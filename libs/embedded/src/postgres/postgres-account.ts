/** Under which account Postgres runs: it refuses to run as root, and must own its data. */
import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { PostgresAccountMissing } from '../errors.js';
import type { Owner } from './clone-folder.js';

const accountName = 'postgres';

/**
 * Undefined: our own account will do. As root: the account that existing data belongs to (it may have been made without
 * root), else `postgres`, which is created when it is missing. @throws {PostgresAccountMissing}
 */
export function accountForPostgres(dataDir: string | undefined): Owner | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const data = dataDir === undefined ? undefined : statSync(dataDir, { throwIfNoEntry: false });
  if (data && data.uid !== 0) return { uid: data.uid, gid: data.gid };
  return findAccount() ?? createAccount();
}

function findAccount(): Owner | undefined {
  const [uid, gid] = entryOf('/etc/passwd')?.slice(2) ?? [];
  return uid === undefined || gid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}

/** The fields of the account's line in one of the system's tables of accounts. */
const entryOf = (table: '/etc/passwd' | '/etc/group'): string[] | undefined =>
  readFileSync(table, 'utf8')
    .split('\n')
    .find((line) => line.startsWith(`${accountName}:`))
    ?.split(':');

function createAccount(): Owner {
  const group = entryOf('/etc/group') ? ['--gid', accountName] : ['--user-group'];
  const options = [
    '--system',
    ...group,
    '--no-create-home',
    '--home-dir',
    '/nonexistent',
    '--shell',
    '/usr/sbin/nologin',
  ];
  const { error, status, stderr } = spawnSync('useradd', [...options, accountName], { encoding: 'utf8' });
  const account = findAccount(); // also when another process was faster than our useradd
  if (account) return account;
  const reason = error ? error.message : `useradd ended with ${String(status)}: ${stderr.trim()}`;
  throw new PostgresAccountMissing(reason, { cause: error });
}

/** Whether `account` may use `path`, asked of the system itself: modes, access lists and mounts all count. */
export function canReach(account: Owner | undefined, path: string, access: '-x' | '-r' = '-x'): boolean {
  if (!account) return true;
  const { error, status } = spawnSync('test', [access, path], { ...account, cwd: '/' });
  if (error) throw new PostgresAccountMissing(error.message, { cause: error });
  return status === 0;
}
