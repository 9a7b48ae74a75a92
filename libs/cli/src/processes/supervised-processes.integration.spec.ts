import { afterEach, describe, expect, it } from '@jest/globals';
import { eventually } from '@annals/testing';
import { spawn } from 'node:child_process';
import { SupervisedProcesses, type RestartPolicy, type RunningProcess } from './supervised-processes.js';

const quick: RestartPolicy = { maxRestarts: 2, forgetAfterMs: 60_000, firstDelayMs: 1, maxDelayMs: 5 };

let told: string[];
let started: number[];
let processes: SupervisedProcesses;
const supervise = (policy?: RestartPolicy) => {
  told = [];
  started = [];
  processes = new SupervisedProcesses((line) => told.push(line), policy);
};
afterEach(() => processes.stop());

/** A process that does nothing until it is ended. */
function launch(): Promise<RunningProcess & { pid: number }> {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) =>
    child.once('exit', (code, signal) => resolve({ code, signal })),
  );
  const pid = child.pid ?? 0;
  started.push(pid);
  const stop = async () => {
    child.kill();
    await exited;
  };
  return Promise.resolve({ pid, logFile: 'the.log', exited, stop });
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe('supervised processes', () => {
  it('are started again when they die, which is told with how, and where the log is', async () => {
    supervise(quick);
    const { pid } = await processes.start('orders', launch);
    process.kill(pid, 'SIGKILL');
    await eventually(() => expect(told).toHaveLength(2));
    expect(told[0]).toBe('orders ended with signal SIGKILL; it is started again. Its log is the.log');
    expect(told[1]).toMatch(/^orders is back after \d+\.\d s$/);
    expect(started.map(isAlive)).toEqual([false, true]);
  });

  it('are given up after a few restarts, and the others go on', async () => {
    supervise(quick);
    const other = await processes.start('inventory', launch);
    let starts = 0;
    await processes.start('orders', async () => {
      if (++starts > 1) throw new Error('the port is taken');
      const running = await launch();
      process.kill(running.pid, 'SIGKILL');
      return running;
    });
    await eventually(() => expect(told.at(-1)).toContain('orders: gave up after 2 restarts.'));
    expect(told.filter((line) => line === 'the port is taken')).toHaveLength(2);
    expect(isAlive(other.pid)).toBe(true);
  });

  it('that fail at the first start are told to the caller and not tried again', async () => {
    supervise(quick);
    const failing = processes.start('orders', () => Promise.reject(new Error('not built')));
    await expect(failing).rejects.toThrow('not built');
    expect(told).toEqual([]);
  });

  it('are all gone after stop, also those that were just being started or waiting to be', async () => {
    supervise({ ...quick, firstDelayMs: 60_000, maxDelayMs: 60_000 });
    const first = await processes.start('orders', launch);
    const dying = await processes.start('inventory', launch);
    process.kill(dying.pid, 'SIGKILL');
    await eventually(() => expect(told).toHaveLength(1));
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    const late = processes.start('payments', () => released.then(launch));
    const refused = expect(late).rejects.toMatchObject({ name: 'AbortError' });

    const stopped = processes.stop();
    release();
    await Promise.all([stopped, refused]);
    expect(started).toHaveLength(3);
    expect(started.map(isAlive)).toEqual([false, false, false]);
    expect(isAlive(first.pid)).toBe(false);
  });
});
