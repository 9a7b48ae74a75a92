import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { decider, storedAs, type EventOwner } from '@annals/core';
import { EventShapesChanged } from './errors.js';
import { checkEventShapes } from './event-shapes.js';

let folder: string;
let [file, golden] = ['', ''];
beforeAll(() => {
  // Inside the workspace, so that '@annals/core' is found.
  mkdirSync('.runtime', { recursive: true });
  folder = mkdtempSync('.runtime/shapes-');
});
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(() => {
  const name = Math.random().toString(36).slice(2);
  [file, golden] = [join(folder, `${name}.ts`), join(folder, `${name}.json`)];
});

const write = (placed: string, more = '') =>
  writeFileSync(
    file,
    `import { Event } from '@annals/core';
     interface Line { sku: string; price?: number }
     export class Placed extends Event('OrderPlaced')<${placed}> {}
     ${more}`,
  );
const owner = (more: object = {}, types = ['OrderPlaced']): EventOwner =>
  decider({
    category: 'order',
    initial: 0,
    decide: {},
    evolve: Object.fromEntries(types.map((type) => [type, (state: number) => state])),
    ...more,
  });
const check = (given = owner(), record = false) => checkEventShapes({ files: [file], owners: [given], golden, record });
const shape = '{ orderId: string; lines: readonly Line[]; state: "a" | "b"; gift: boolean; at: string | null }';

describe('checkEventShapes', () => {
  it('records new shapes, and then holds them, however they are written', async () => {
    write(shape);
    await expect(check()).rejects.toThrow(/OrderPlaced@1 is not frozen yet/);
    await check(owner(), true);
    expect(JSON.parse(readFileSync(golden, 'utf8'))).toEqual({
      'OrderPlaced@1':
        '{ at: null | string; gift: boolean; lines: ({ price?: number; sku: string })[]; orderId: string; state: "a" | "b" }',
    });
    await check();
    write('Aliased', `type Aliased = { at: null | string } & Omit<${shape}, 'at'>;`);
    await check();
  });

  it.each([
    ['a property more', '{ orderId: string; note: string }'],
    ['a property less', '{}'],
    ['another type', '{ orderId: number }'],
    ['a property that may be missing', '{ orderId?: string }'],
  ])('fails, with instructions, on %s without a new version', async (_, now) => {
    write('{ orderId: string }');
    await check(owner(), true);
    write(now);
    for (const record of [false, true]) {
      await expect(check(owner(), record)).rejects.toThrow(EventShapesChanged);
      await expect(check(owner(), record)).rejects.toThrow(
        /version \(1\) has not[\s\S]*upcast: { OrderPlaced: storedAs/,
      );
    }
  });

  it('takes a new version beside the old one, which stays', async () => {
    write('{ orderId: string }');
    await check(owner(), true);
    write('{ orderId: string; note: string }');
    const next = owner({ upcast: { OrderPlaced: storedAs<{ orderId: string }>().upcast((data) => data) } });
    await expect(check(next)).rejects.toThrow(/OrderPlaced@2 is not frozen yet/);
    await check(next, true);
    expect(Object.keys(JSON.parse(readFileSync(golden, 'utf8')) as object)).toEqual(['OrderPlaced@1', 'OrderPlaced@2']);
    await check(next);
    await expect(check(owner())).rejects.toThrow(/OrderPlaced@2 is frozen, but can no longer be read/);
  });

  it('knows types that are gone: they must stay readable', async () => {
    write('{ orderId: string }', `export class Paid extends Event('OrderPaid')<{ orderId: string }> {}`);
    await check(owner({}, ['OrderPlaced', 'OrderPaid']), true);
    await expect(check()).rejects.toThrow(/OrderPaid@1 is frozen, but can no longer be read/);
    await check(owner({ aliases: { OrderPaid: 'OrderPlaced' } }));
  });

  it('says when an event is declared nowhere', async () => {
    write('{ orderId: string }');
    await expect(check(owner({}, ['OrderPlaced', 'Elsewhere']))).rejects.toThrow(/none of the files declares it/);
  });
});
