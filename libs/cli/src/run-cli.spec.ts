import { describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCli } from './run-cli.js';

/** Runs a command in this process, with nothing of this process's environment. */
async function annals(args: readonly string[], env: NodeJS.ProcessEnv = {}, cwd = process.cwd()) {
  const written = { stdout: '', stderr: '' };
  const code = await runCli(args, {
    env,
    cwd,
    stdin: process.stdin,
    stdout: { write: (text) => (written.stdout += text) },
    stderr: { write: (text) => (written.stderr += text) },
  });
  return { code, ...written };
}

describe('the command line', () => {
  it.each([
    [[]],
    [['start']],
    [['infra']],
    [['server', 'start']],
    [['projections', 'rebuild']],
    [['projections', 'parked', 'retry']],
    [['sagas', 'list']],
    [['sagas', 'cancel']],
    [['reactors', 'status']],
    [['reactors', 'parked', 'retry']],
    [['messages', 'dead', 'replay']],
    [['messages', 'parked', 'skip']],
    [['contracts', 'check']],
    [['doctor']],
  ])('explains itself: annals %p --help', async (command) => {
    const { code, stdout, stderr } = await annals([...command, '--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain(`Usage: ${['annals', ...command].join(' ')}`);
  });

  it.each([
    [['stat'], 'Did you mean start?'],
    [['projections', 'rebuld'], 'Did you mean rebuild?'],
    [['start', '--onze'], 'Did you mean --once?'],
    [['start', '--decline', '10%'], '--decline goes with --orders'],
    [['start', '--orders', 'many'], '--orders many: use a whole number'],
    [['start', '--orders', '5', '--decline', '0.1'], '--decline 0.1: use a share'],
    [['server', 'start', '--port', '70000'], 'whole number from 0 to 65535'],
    [['server', 'start', '--memory', '--db', 'data'], '--db and --memory contradict each other'],
    [['server', 'start', '--certificate-file', 'cert.pem'], 'belong together: give both'],
    [['projections', 'rebuild'], 'Give the name of one read model, or --all.'],
    [['projections', 'rebuild', 'order-summary', '--all'], 'Give the name of one read model, or --all.'],
    [['projections', 'rebuild', 'order-summary', '--throttle', 'slow'], 'a number greater than 0'],
    [['projections', 'pause'], "missing required argument 'name'"],
    [['sagas', 'list', '--state', 'asleep'], "There is no state 'asleep'"],
    [['sagas', 'cancel', 'order-fulfilment', 'o-1'], '--reason'],
    [['reactors', 'parked', 'skip', 'mail'], "missing required argument 'id'"],
    [['messages', 'dead', 'list', '--limit', '0'], 'a whole number from 1 to 10000'],
    [['messages', 'parked', 'retry', 'orders'], 'Give the id of one event, or --all.'],
  ])('says what is wrong with annals %p, exit code 2', async (args, hint) => {
    const { code, stdout, stderr } = await annals(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(hint);
  });

  it('shows its help and fails with 2 when no command is given', async () => {
    const { code, stderr } = await annals([]);
    expect(code).toBe(2);
    expect(stderr).toContain('Usage: annals');
  });

  it('calls a variable that is no port wrong use, before anything is started', async () => {
    const { code, stderr } = await annals(['start'], { ORDERS_PORT: 'three' });
    expect(code).toBe(2);
    expect(stderr).toContain('ORDERS_PORT=three is not a port');
  });

  it('ends with 1, the message, its code and no stack trace when a command fails', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'annals-cli-'));
    writeFileSync(join(folder, 'nest-cli.json'), JSON.stringify({ projects: {} }));
    const { code, stderr } = await annals(['doctor'], {}, folder);
    rmSync(folder, { recursive: true });
    expect(code).toBe(1);
    expect(stderr).toContain('[CLI_NO_WORKSPACE]');
    expect(stderr).not.toContain('    at ');
  });

  it('shows where an error comes from when DEBUG is set', async () => {
    const { stderr } = await annals(['start'], { ORDERS_PORT: 'three', DEBUG: '1' });
    expect(stderr).toContain('    at ');
  });
});
