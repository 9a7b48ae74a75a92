import { afterAll, describe, expect, it } from '@jest/globals';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WrongUse } from './errors.js';
import type { Invocation } from './invocation.js';
import { openWorkspace, runtimeDir } from './workspace.js';

const roots: string[] = [];
afterAll(() => {
  for (const root of roots) rmSync(root, { recursive: true });
});

const nothing = { write: () => true };

function workspaceOf(...names: string[]): string {
  const root = mkdtempSync(join(tmpdir(), 'annals-workspace-'));
  roots.push(root);
  for (const name of names) mkdirSync(join(root, 'apps', name, 'src'), { recursive: true });
  const projects = Object.fromEntries(names.map((name) => [name, { type: 'application' }]));
  writeFileSync(join(root, 'nest-cli.json'), JSON.stringify({ projects: { ...projects, lib: { type: 'library' } } }));
  return root;
}
const calledIn = (cwd: string, env: NodeJS.ProcessEnv = {}): Invocation => ({
  cwd,
  env,
  stdin: process.stdin,
  stdout: nothing,
  stderr: nothing,
});

describe('the workspace', () => {
  it('has the applications of nest-cli.json in their order, with ports from 3001 and 3000 for the gateway', () => {
    const root = workspaceOf('gateway', 'orders', 'gift-cards');
    expect(openWorkspace(calledIn(root)).apps).toMatchObject([
      { name: 'gateway', port: 3000, portVariable: 'GATEWAY_PORT' },
      { name: 'orders', port: 3001, entry: join(root, 'dist/apps/orders/src/main.js') },
      { name: 'gift-cards', port: 3002, portVariable: 'GIFT_CARDS_PORT' },
    ]);
  });

  it('leaves out applications that are declared and not there yet', () => {
    const root = workspaceOf('orders', 'payments');
    rmSync(join(root, 'apps/orders'), { recursive: true });
    expect(openWorkspace(calledIn(root)).apps.map(({ name }) => name)).toEqual(['payments']);
    mkdirSync(join(root, 'dist/apps/orders/src'), { recursive: true });
    expect(openWorkspace(calledIn(root)).apps.map(({ name }) => name)).toEqual(['orders', 'payments']);
  });

  it('is found from a folder inside it', () => {
    const root = workspaceOf('orders');
    expect(openWorkspace(calledIn(join(root, 'apps/orders'))).root).toBe(root);
  });

  it('takes ports from the environment and refuses what is none', () => {
    const root = workspaceOf('orders');
    expect(openWorkspace(calledIn(root, { ORDERS_PORT: '0' })).apps[0]?.port).toBe(0);
    expect(() => openWorkspace(calledIn(root, { ORDERS_PORT: '-1' }))).toThrow(WrongUse);
    expect(() => openWorkspace(calledIn(root, { ORDERS_PORT: '65536' }))).toThrow(WrongUse);
  });

  it('keeps everything of run time in .runtime, or where ANNALS_RUNTIME says', () => {
    const root = workspaceOf('orders');
    expect(runtimeDir(calledIn(root))).toBe(join(root, '.runtime'));
    expect(runtimeDir(calledIn(root, { ANNALS_RUNTIME: 'elsewhere' }))).toBe(join(root, 'elsewhere'));
  });
});
