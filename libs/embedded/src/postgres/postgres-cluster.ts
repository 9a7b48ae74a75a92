/** Makes the data folder of a Postgres server (`initdb`), once and completely, and judges one that is there. */
import { spawn } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { PartNotStarted, PostgresDataUnusable } from '../errors.js';
import { isAlive } from '../supervisor/process-table.js';
import { cloneFolder, type Owner } from './clone-folder.js';
import { postgresProgram } from './postgres-binaries.js';

/** What `initdb` needs to know. */
export interface ClusterSpec {
  readonly dataDir: string;
  /** The folder of Postgres' programs. */
  readonly home: string;
  readonly majorVersion: string;
  readonly account: Owner | undefined;
  readonly durable: boolean;
  /** Where a finished non-durable folder is kept to be copied: quicker than making the same anew. */
  readonly template: string | undefined;
}

/** The superuser of embedded servers, without a password: they listen on the loopback interface only. */
export const superuser = 'postgres';

/** Text sorts by code point on every machine; upper and lower case know Unicode. */
const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];

/** @throws {PostgresDataUnusable} when the folder holds something else than data of this version */
export async function ensureCluster(spec: ClusterSpec): Promise<void> {
  removeUnfinished(spec.dataDir);
  if (isReady(spec)) return;
  // Made under another name and renamed when it is complete: a crash on the way leaves no half of a cluster behind.
  const unfinished = `${spec.dataDir}${unfinishedSuffix}${process.pid}`;
  if (spec.template !== undefined && existsSync(spec.template)) {
    cloneFolder(spec.template, unfinished, spec.account && { owner: spec.account });
  } else {
    await initdb(spec, unfinished);
    if (spec.template !== undefined) keepAsTemplate(unfinished, spec.template);
  }
  rmSync(spec.dataDir, { recursive: true, force: true });
  renameSync(unfinished, spec.dataDir);
}

const unfinishedSuffix = '.unfinished-';

/** What a process left that did not live to rename it. */
function removeUnfinished(dataDir: string): void {
  const prefix = `${basename(dataDir)}${unfinishedSuffix}`;
  for (const name of readdirSync(dirname(dataDir))) {
    if (!name.startsWith(prefix)) continue;
    const pid = Number(name.slice(prefix.length));
    if (pid === process.pid || !isAlive(pid)) rmSync(join(dirname(dataDir), name), { recursive: true, force: true });
  }
}

function isReady({ dataDir, majorVersion }: ClusterSpec): boolean {
  if (!existsSync(dataDir) || readdirSync(dataDir).length === 0) return false;
  const versionFile = join(dataDir, 'PG_VERSION');
  if (!existsSync(versionFile)) throw new PostgresDataUnusable(dataDir, 'it holds files, but none of Postgres');
  // An initdb that was interrupted before it wrote the control file: there is no data yet.
  if (!existsSync(join(dataDir, 'global', 'pg_control'))) return false;
  const version = readFileSync(versionFile, 'utf8').trim();
  if (version === majorVersion) return true;
  throw new PostgresDataUnusable(
    dataDir,
    `its data is of Postgres ${version}, the installed programs are of ${majorVersion}`,
  );
}

function initdb({ home, account, durable }: ClusterSpec, dataDir: string): Promise<void> {
  mkdirSync(dataDir, { mode: 0o700 });
  if (account) chownSync(dataDir, account.uid, account.gid);
  // Small write-ahead segments make a small template, and template and copy need not reach the disk.
  const speed = durable ? [] : ['--no-sync', '--wal-segsize=4'];
  const args = [
    `--pgdata=${dataDir}`,
    `--username=${superuser}`,
    '--auth=trust',
    '--no-instructions',
    ...locale,
    ...speed,
  ];
  const child = spawn(postgresProgram(home, 'initdb'), args, {
    ...account,
    env: postgresEnvironment(),
    cwd: '/',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return new Promise((resolve, reject) => {
    const fail = (reason: string, cause?: Error) => {
      rmSync(dataDir, { recursive: true, force: true });
      reject(new PartNotStarted('Postgres', reason, `the output of initdb`, output.trim(), cause && { cause }));
    };
    child.once('error', (error) => fail(error.message, error));
    child.once('close', (code, signal) =>
      code === 0 ? resolve() : fail(`initdb ended with ${String(code ?? signal)}`),
    );
  });
}

function keepAsTemplate(from: string, template: string): void {
  mkdirSync(dirname(template), { recursive: true });
  const unfinished = `${template}${unfinishedSuffix}${process.pid}`;
  removeUnfinished(template);
  cloneFolder(from, unfinished);
  try {
    renameSync(unfinished, template);
  } catch (error) {
    if (!existsSync(template)) throw error;
    rmSync(unfinished, { recursive: true }); // another process kept the same one meanwhile
  }
}

/** Our environment without what would change how Postgres' programs behave or speak. */
export function postgresEnvironment(): Record<string, string> {
  const kept = Object.entries(process.env).filter(([name]) => !/^(PG|LC_|LANG|NODE_OPTIONS$)/.test(name));
  return { ...(Object.fromEntries(kept) as Record<string, string>), LC_ALL: 'C', TZ: 'UTC' };
}
