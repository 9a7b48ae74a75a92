import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { DataInUse, PortTaken, PostgresDataUnusable } from '../errors.js';
import { temporaryFolder, type RunningPart } from '../running-part.js';
import { createDatabaseIfMissing, databaseUrl, dropDatabase } from './databases.js';
import { startPostgres, type PostgresOptions } from './start-postgres.js';

const asRoot = process.getuid?.() === 0;
const cacheDir = join(process.cwd(), '.runtime', 'cache');

let folder: string;
let dataDir: string;
let servers: RunningPart[];

beforeEach(() => {
  folder = mkdtempSync(join(temporaryFolder(), 'annals-spec-'));
  chmodSync(folder, 0o755); // the account of Postgres may enter it
  dataDir = join(folder, 'postgres');
  servers = [];
});

afterEach(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  rmSync(folder, { recursive: true, force: true });
});

async function start(options: PostgresOptions = {}): Promise<RunningPart> {
  const server = await startPostgres({ port: 0, durable: false, cacheDir, dataDir, ...options });
  servers.push(server);
  return server;
}

async function query<Row extends pg.QueryResultRow>(server: RunningPart, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: databaseUrl(server.url, 'postgres') });
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

const writeRow = (server: RunningPart) => query(server, 'CREATE TABLE kept AS SELECT 42 AS answer');
const readRow = (server: RunningPart) => query(server, 'SELECT answer FROM kept');
const tables = (server: RunningPart) => query(server, `SELECT 1 FROM pg_tables WHERE tablename = 'kept'`);

describe('a started Postgres', () => {
  it('listens on the loopback interface only, speaks UTF-8 and sorts by code point', async () => {
    const server = await start();
    expect(server.url).toBe(`postgres://postgres@127.0.0.1:${server.port}`);
    const [shown] = await query(
      server,
      `SELECT current_setting('listen_addresses') AS listens, current_setting('unix_socket_directories') AS sockets,
              current_setting('server_encoding') AS encoding, 'a' > 'B' AS by_code_point, upper('é') AS upper`,
    );
    expect(shown).toEqual({ listens: '127.0.0.1', sockets: '', encoding: 'UTF8', by_code_point: true, upper: 'É' });
  });

  it('syncs what is committed, unless it is told not to', async () => {
    const settings = `SELECT current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS commit`;
    expect(await query(await start({ durable: true }), settings)).toEqual([{ fsync: 'on', commit: 'on' }]);
    expect(await query(await start({ dataDir: join(folder, 'other') }), settings)).toEqual([
      { fsync: 'off', commit: 'off' },
    ]);
  });

  it('finds the data of the run before, and says when it has ended', async () => {
    const first = await start();
    await writeRow(first);
    await first.stop();
    expect(await first.exited).toEqual({ code: 0, signal: null });
    await first.stop(); // once more does no harm
    expect(await readRow(await start())).toEqual([{ answer: 42 }]);
  });

  it('without a data folder leaves no file behind', async () => {
    const server = await startPostgres({ port: 0, durable: false, cacheDir });
    const temporary = dirname(server.logFile);
    expect(existsSync(join(temporary, 'data', 'PG_VERSION'))).toBe(true);
    await server.stop();
    expect(existsSync(temporary)).toBe(false);
  });

  it('names the port that is taken and the variable that chooses another', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    try {
      const { port } = other.address() as AddressInfo;
      const failure = await start({ port }).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(PortTaken);
      expect(failure).toMatchObject({ code: 'EMBEDDED_PORT_TAKEN', port, variable: 'POSTGRES_PORT' });
      expect((failure as Error).message).toMatch(new RegExp(`${port}.*POSTGRES_PORT`));
    } finally {
      other.close();
    }
  });

  it('does not start twice on one data folder', async () => {
    const running = await start();
    const failure = await start().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(DataInUse);
    expect(failure).toMatchObject({ holder: running.pid, dataDir });
    expect(await query(running, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });
});

describe('after a crash', () => {
  it('Postgres starts on the data of a server that was killed', async () => {
    const killed = await start({ durable: true });
    await writeRow(killed);
    process.kill(killed.pid, 'SIGKILL');
    expect(await killed.exited).toEqual({ code: null, signal: 'SIGKILL' });
    expect(existsSync(join(dataDir, 'postmaster.pid'))).toBe(true);
    expect(await readRow(await start({ durable: true }))).toEqual([{ answer: 42 }]);
  });

  it('a stale process id that now belongs to another process of the account does not matter', async () => {
    const first = await start({ durable: true });
    await writeRow(first);
    process.kill(first.pid, 'SIGKILL');
    await first.exited;
    const { uid, gid } = statSync(join(dataDir, 'PG_VERSION'));
    const stranger = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
      uid,
      gid,
      cwd: '/',
      stdio: 'ignore',
    });
    try {
      const pidFile = join(dataDir, 'postmaster.pid');
      const [, ...lines] = readFileSync(pidFile, 'utf8').split('\n');
      writeFileSync(pidFile, [String(stranger.pid), ...lines].join('\n'));
      expect(await readRow(await start({ durable: true }))).toEqual([{ answer: 42 }]);
    } finally {
      stranger.kill('SIGKILL');
    }
  });

  it('a data folder that was begun and not finished is made again', async () => {
    mkdirSync(join(dataDir, 'base'), { recursive: true });
    writeFileSync(join(dataDir, 'PG_VERSION'), '18\n');
    const deadProcess = 2 ** 22 + 1; // above the largest process id that Linux gives
    const unfinished = `${dataDir}.unfinished-${deadProcess}`;
    mkdirSync(join(unfinished, 'base'), { recursive: true });
    expect(await query(await start(), 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(readdirSync(folder).sort()).toEqual(['postgres', 'postgres.log']);
  });
});

describe('a data folder that is something else', () => {
  it('is refused and left as it is', async () => {
    mkdirSync(dataDir);
    writeFileSync(join(dataDir, 'thesis.txt'), 'years of work');
    await expect(start()).rejects.toThrow(PostgresDataUnusable);
    expect(readFileSync(join(dataDir, 'thesis.txt'), 'utf8')).toBe('years of work');
  });

  it('is refused when its data is of another version', async () => {
    mkdirSync(join(dataDir, 'global'), { recursive: true });
    writeFileSync(join(dataDir, 'global', 'pg_control'), '');
    writeFileSync(join(dataDir, 'PG_VERSION'), '9.6\n');
    await expect(start()).rejects.toThrow(/Postgres 9\.6, the installed programs are of 18/);
  });
});

(asRoot ? describe : describe.skip)('below a folder that only root can enter', () => {
  beforeEach(() => chmodSync(folder, 0o700));
  afterEach(() => rmSync(readlinkSync(dataDir), { recursive: true }));

  it('the data lies elsewhere, says so, and is found again', async () => {
    const said: string[] = [];
    const first = await start({ onProgress: (line) => said.push(line) });
    await writeRow(first);
    await first.stop();
    expect(said.join('\n')).toContain(dataDir);
    expect(await readRow(await start())).toEqual([{ answer: 42 }]);
  });

  it('removing the link begins afresh', async () => {
    const first = await start();
    await writeRow(first);
    await first.stop();
    unlinkSync(dataDir);
    expect(await tables(await start())).toEqual([]);
  });
});

describe('databases', () => {
  it('are created once, also when several ask at the same moment', async () => {
    const { url } = await start();
    const urls = await Promise.all(['orders', 'orders', 'orders'].map((name) => createDatabaseIfMissing(url, name)));
    expect(new Set(urls)).toEqual(new Set([`${url}/orders`]));
    expect(await createDatabaseIfMissing(url, 'orders')).toBe(`${url}/orders`);
  });

  it('are dropped in spite of open connections, and when they are not there', async () => {
    const server = await start();
    const client = new pg.Client({ connectionString: await createDatabaseIfMissing(server.url, 'a "quoted" name') });
    const cut = new Promise((resolve) => client.on('error', resolve));
    await client.connect();
    await dropDatabase(server.url, 'a "quoted" name');
    await dropDatabase(server.url, 'a "quoted" name');
    expect(await cut).toBeInstanceOf(Error);
    expect(await query(server, `SELECT 1 FROM pg_database WHERE datname LIKE 'a %'`)).toEqual([]);
  });
});
