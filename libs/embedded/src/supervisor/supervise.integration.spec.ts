import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { eventually } from '@annals/testing';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { PartNotStarted } from '../errors.js';
import { temporaryFolder } from '../running-part.js';
import { isAlive } from './process-table.js';
import type { StopStep, SupervisedCommand } from './protocol.js';
import { supervise, type SupervisedProcess } from './supervise.js';

let folder: string;
let logFile: string;
let running: SupervisedProcess[];

beforeEach(() => {
  folder = mkdtempSync(join(temporaryFolder(), 'annals-spec-'));
  logFile = join(folder, 'part.log');
  running = [];
});

afterEach(async () => {
  await Promise.all(running.map((part) => part.stop()));
  rmSync(folder, { recursive: true, force: true });
});

const node = (code: string, more: Partial<SupervisedCommand> = {}): SupervisedCommand => ({
  command: process.execPath,
  args: ['-e', code],
  env: { PATH: process.env['PATH'] ?? '' },
  stop: [{ signal: 'SIGTERM', withinMs: 10_000 }],
  ...more,
});

async function run(command: SupervisedCommand): Promise<SupervisedProcess> {
  const part = await supervise('The part', command, logFile);
  running.push(part);
  return part;
}

const log = () => readFileSync(logFile, 'utf8');
const says = (text: string) => () => log().includes(text) || undefined;
const stayAlive = 'setInterval(() => {}, 1000); console.log("up");';

describe('a supervised program', () => {
  it('writes its output to the log, and ends by its own signal when it is stopped', async () => {
    const part = await run(node(`process.on('SIGTERM', () => { console.log('bye'); process.exit(0); }); ${stayAlive}`));
    await part.whenReady(says('up'), 10_000);
    await part.stop();
    expect(await part.exited).toEqual({ code: 0, signal: null });
    expect(log()).toBe('up\nbye\n');
  });

  it('is killed when it does not heed the signals in time', async () => {
    const deaf = `for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => console.log(signal)); ${stayAlive}`;
    const steps: StopStep[] = [
      { signal: 'SIGTERM', withinMs: 100 },
      { signal: 'SIGINT', withinMs: 100 },
    ];
    const part = await run(node(deaf, { stop: steps }));
    await part.whenReady(says('up'), 10_000);
    await part.stop();
    expect(await part.exited).toEqual({ code: null, signal: 'SIGKILL' });
    expect(log()).toBe('up\nSIGTERM\nSIGINT\n');
  });

  it('tells why it did not come up, with the end of its log and where that is', async () => {
    writeFileSync(logFile, 'an earlier run\n');
    const part = await run(node('console.error("no such luck"); process.exit(3)'));
    const failure = await part.whenReady(() => undefined, 10_000).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(PartNotStarted);
    expect(failure).toMatchObject({ code: 'EMBEDDED_PART_NOT_STARTED', logFile, lastLines: 'no such luck' });
    expect((failure as Error).message).toMatch(/exit code 3/);
  });

  it('is stopped when it is not ready in time', async () => {
    const part = await run(node(stayAlive));
    await expect(part.whenReady(() => undefined, 50)).rejects.toThrow(/not ready within 0.05 s/);
    expect(isAlive(part.pid)).toBe(false);
  });

  it('that does not exist is an error with its name', async () => {
    const nothing = join(folder, 'nothing-here');
    await expect(run(node('', { command: nothing }))).rejects.toThrow(/nothing-here.*ENOENT/);
  });

  it('leaves nothing in the folder it was to discard', async () => {
    const discard = join(folder, 'temporary');
    mkdirSync(discard);
    writeFileSync(join(discard, 'file'), '');
    const part = await run(node(stayAlive, { discard }));
    await part.stop();
    expect(existsSync(discard)).toBe(false);
    expect(existsSync(logFile)).toBe(true);
  });

  it('ends with its supervisor, should that be killed', async () => {
    const part = await run(node(stayAlive));
    process.kill(parentOf(part.pid), 'SIGKILL');
    await part.exited;
    expect(isAlive(part.pid)).toBe(false);
  });
});

/** From /proc/<pid>/stat: `pid (name) state parent …`; the name may hold anything. */
function parentOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}

interface Owned {
  readonly pids: readonly number[];
  readonly folders: readonly string[];
}

/** A program that starts every kind of part on temporary data, and tells about them in one line of JSON. */
const ownerOfAllParts = `
  import { startPostgres, startNats, startEventStoreProcess, provideNatsServer } from '@annals/embedded';
  const binary = await provideNatsServer({ runtimeDir: '.runtime' });
  const parts = await Promise.all([
    startPostgres({ port: 0, durable: false, cacheDir: '.runtime/cache' }),
    startNats({ port: 0, binary }),
    startEventStoreProcess({ port: 0 }),
  ]);
  const keepAlive = setInterval(() => {}, 1000);
  process.once('SIGUSR2', () => clearInterval(keepAlive));
  console.log(JSON.stringify(parts.map(({ pid, logFile }) => ({ pid, logFile }))));
`;

describe('when the owner of the parts', () => {
  async function startOwner(): Promise<{ owner: ReturnType<typeof spawn>; owned: Owned }> {
    const owner = spawn(process.execPath, ['--input-type=module', '-e', ownerOfAllParts], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    for await (const line of createInterface({ input: owner.stdout })) {
      const parts = JSON.parse(line) as { pid: number; logFile: string }[];
      const pids = parts.flatMap(({ pid }) => [pid, parentOf(pid)]);
      return { owner, owned: { pids, folders: parts.map((part) => dirname(part.logFile)) } };
    }
    throw new Error('The owner of the parts ended before it had started them.');
  }

  it.each([
    ['is killed', 'SIGKILL'],
    ['is interrupted', 'SIGINT'],
    ['ends without stopping them, which they do not keep it from', 'SIGUSR2'],
  ] as const)(
    '%s, neither process nor file is left',
    async (_, signal) => {
      const { owner, owned } = await startOwner();
      expect(owned.pids.filter(isAlive)).toHaveLength(6);
      expect(owned.folders.filter(existsSync)).toHaveLength(3);
      owner.kill(signal);
      await eventually(() => expect(owned.pids.filter(isAlive)).toEqual([]), { within: 15_000 });
      expect(owned.folders.filter(existsSync)).toEqual([]);
    },
    60_000,
  );
});
