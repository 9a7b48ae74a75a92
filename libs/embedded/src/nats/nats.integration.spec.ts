import { createServer, type AddressInfo } from 'node:net';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { DataInUse, NatsServerMissing, PartNotStarted, PortTaken } from '../errors.js';
import { temporaryFolder, type RunningPart } from '../running-part.js';
import { hasDebianPackages } from './debian-package.js';
import { provideNatsServer } from './provide-nats-server.js';
import { startNats, type NatsOptions } from './start-nats.js';

const canUnpack = await hasDebianPackages();
const nowhere = '/nowhere';

let folder: string;
let storeDir: string;
let servers: RunningPart[];

beforeEach(() => {
  folder = mkdtempSync(join(temporaryFolder(), 'annals-spec-'));
  storeDir = join(folder, 'nats');
  servers = [];
});

afterEach(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  rmSync(folder, { recursive: true, force: true });
});

(canUnpack ? describe : describe.skip)('nats-server from the package of the distribution', () => {
  const version = (binary: string) => spawnSync(binary, ['--version'], { encoding: 'utf8' }).stdout;

  it('is complete for all who ask at the same moment, and needs nothing the next time', async () => {
    const runtimeDir = join(folder, 'runtime');
    const binaries = await Promise.all([1, 2].map(() => provideNatsServer({ runtimeDir, searchPath: nowhere })));
    expect(binaries).toEqual([join(runtimeDir, 'bin/nats-server'), join(runtimeDir, 'bin/nats-server')]);
    expect(version(binaries[0] ?? '')).toMatch(/^nats-server: v\d/);
    expect(readdirSync(runtimeDir)).toEqual(['bin']);

    const said: string[] = [];
    const { ino } = statSync(binaries[0] ?? '');
    await provideNatsServer({ runtimeDir, searchPath: nowhere, onProgress: (line) => said.push(line) });
    expect(said).toEqual([]);
    expect(statSync(binaries[0] ?? '').ino).toBe(ino);
  }, 60_000);

  it('fetches package lists of its own where the system has none', async () => {
    const { APT_CONFIG } = process.env;
    process.env['APT_CONFIG'] = join(folder, 'apt.conf');
    writeFileSync(join(folder, 'apt.conf'), `Dir::State::lists "${join(folder, 'no-lists')}";`);
    try {
      const said: string[] = [];
      const runtimeDir = join(folder, 'runtime');
      const binary = await provideNatsServer({
        runtimeDir,
        searchPath: nowhere,
        onProgress: (line) => said.push(line),
      });
      expect(said.join('\n')).toMatch(/No usable package lists/);
      expect(version(binary)).toMatch(/^nats-server: v\d/);
      expect(readdirSync(runtimeDir)).toEqual(['bin']);
    } finally {
      if (APT_CONFIG === undefined) delete process.env['APT_CONFIG'];
      else process.env['APT_CONFIG'] = APT_CONFIG;
    }
  }, 180_000);
});

describe('provideNatsServer', () => {
  it('prefers a server of the machine', async () => {
    const bin = join(folder, 'bin');
    const kept = await provideNatsServer({ runtimeDir: '.runtime' });
    expect(await provideNatsServer({ runtimeDir: folder, searchPath: `${nowhere}:${dirname(kept)}` })).toBe(kept);
    expect(existsSync(bin)).toBe(false);
  }, 180_000);

  it('without one and without a way to fetch it names the ways to get one', async () => {
    const { PATH } = process.env;
    process.env['PATH'] = nowhere;
    try {
      const failure = await provideNatsServer({ runtimeDir: folder, searchPath: nowhere }).catch(
        (error: unknown) => error,
      );
      expect(failure).toBeInstanceOf(NatsServerMissing);
      expect((failure as Error).message).toMatch(/apt-get install[\s\S]*docker run[\s\S]*NATS_URL=/);
    } finally {
      process.env['PATH'] = PATH;
    }
  });
});

describe('a started nats-server', () => {
  async function start(options: Partial<NatsOptions> = {}): Promise<RunningPart> {
    const binary = await provideNatsServer({ runtimeDir: '.runtime' });
    const server = await startNats({ binary, port: 0, storeDir, ...options });
    servers.push(server);
    return server;
  }

  async function connected<T>({ url }: RunningPart, work: (connection: NatsConnection) => Promise<T>): Promise<T> {
    const connection = await connect({ servers: url, reconnect: false });
    try {
      return await work(connection);
    } finally {
      await connection.close();
    }
  }

  it('keeps acknowledged messages when it is killed', async () => {
    const killed = await start();
    await connected(killed, async (connection) => {
      const manager = await jetstreamManager(connection);
      await manager.streams.add({ name: 'events', subjects: ['events.>'] });
      for (const n of [1, 2, 3]) await jetstream(connection).publish(`events.${n}`, 'x');
    });
    process.kill(killed.pid, 'SIGKILL');
    expect(await killed.exited).toEqual({ code: null, signal: 'SIGKILL' });

    const { state } = await connected(await start(), async (connection) =>
      (await jetstreamManager(connection)).streams.info('events'),
    );
    expect(state.messages).toBe(3);
  });

  it('listens on the loopback interface only, and ends gracefully', async () => {
    const server = await start();
    expect(server.url).toBe(`nats://127.0.0.1:${server.port}`);
    expect(await connected(server, (connection) => Promise.resolve(connection.info?.host))).toBe('127.0.0.1');
    await server.stop();
    expect(await server.exited).toEqual({ code: 0, signal: null });
  });

  it('without a data folder leaves no file behind', async () => {
    const binary = await provideNatsServer({ runtimeDir: '.runtime' });
    const server = await startNats({ binary, port: 0 });
    expect(existsSync(server.logFile)).toBe(true);
    await server.stop();
    expect(existsSync(dirname(server.logFile))).toBe(false);
  });

  it('does not start twice on one data folder', async () => {
    const { pid } = await start();
    const failure = await start().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(DataInUse);
    expect(failure).toMatchObject({ holder: pid, dataDir: storeDir });
  });

  it('names the port that is taken and the variable that chooses another', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    try {
      const { port } = other.address() as AddressInfo;
      const failure = await start({ port }).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(PortTaken);
      expect((failure as Error).message).toMatch(new RegExp(`${port}.*NATS_PORT`));
    } finally {
      other.close();
    }
  });

  it('that is no nats-server is an error that says what it said', async () => {
    await expect(start({ binary: '/bin/echo' })).rejects.toThrow(PartNotStarted);
    await expect(start({ binary: '/bin/echo' })).rejects.toThrow(/exit code 0[\s\S]*--jetstream/);
  });
});
