/** The published language is what others rely on: `annals contracts check`, run with the tests. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execFile } from 'node:child_process';
import { afterAll, describe, expect, it } from '@jest/globals';

const folder = mkdtempSync(join(tmpdir(), 'annals-contracts-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** In a process of its own, as everywhere: it loads the compiled modules of all contexts. */
const annals = (...args: string[]) =>
  new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    const env = { ...process.env, NODE_OPTIONS: '' };
    const child = execFile(process.execPath, ['libs/cli/bin/annals.js', ...args], { env }, (_, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    );
  });

interface Language {
  readonly operations: Record<string, { action: string }>;
  readonly components: { schemas: Record<string, { properties: Record<string, unknown>; required: string[] }> };
}

describe('the contracts of the shop', () => {
  it('are compatible with what was published (libs/contracts/asyncapi.json)', async () => {
    const { code, stdout, stderr } = await annals('contracts', 'check');
    expect({ code, stderr, breaks: stdout.split('\n').filter((line) => line.startsWith('BREAKS')) }).toEqual({
      code: 0,
      stderr: '',
      breaks: [],
    });
  });

  it('say who publishes and who consumes', async () => {
    const { stdout } = await annals('contracts', 'export');
    const { operations } = JSON.parse(stdout) as Language;
    expect(Object.keys(operations)).toEqual(
      expect.arrayContaining([
        'orders.publishes.orders.order-placed.v1',
        'orders.consumes.payments.payment-taken.v1',
        'inventory.consumes.inventory.reserve-stock.v1',
      ]),
    );
  });

  it('that were changed incompatibly fail the check, with the difference in words', async () => {
    const language = JSON.parse(readFileSync('libs/contracts/asyncapi.json', 'utf8')) as Language;
    const placed = language.components.schemas['orders.order-placed.v1'];
    if (placed) Object.assign(placed.properties, { coupon: { type: 'string' } });
    placed?.required.push('coupon');
    const baseline = join(folder, 'published.json');
    writeFileSync(baseline, JSON.stringify(language));
    const { code, stdout, stderr } = await annals('contracts', 'check', '--baseline', baseline);
    expect({ code, stdout, stderr }).toEqual({
      code: 1,
      stdout: expect.stringContaining(
        'BREAKS   orders.order-placed.v1: data.coupon is gone: consumers of the old edition require it',
      ),
      stderr: expect.stringContaining('CLI_CONTRACTS_BROKEN'),
    });
    const missing = await annals('contracts', 'check', '--baseline', join(folder, 'nothing.json'), '--json');
    expect(missing).toMatchObject({ code: 1, stderr: expect.stringContaining('CLI_NO_BASELINE') as unknown });
  });
});
