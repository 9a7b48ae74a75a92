import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { assertJson, NotJson } from './index.js';

describe('assertJson', () => {
  it('accepts whatever JSON gives back unchanged', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        assertJson(value, 'value');
      }),
    );
  });

  const cyclic: Record<string, unknown> = {};
  cyclic['self'] = cyclic;
  it.each([
    ['undefined', { a: [1, undefined] }, 'Placed.data.a[1]'],
    ['a bigint', { a: 1n }, 'Placed.data.a'],
    ['NaN', { a: { b: NaN } }, 'Placed.data.a.b'],
    ['a Date', { at: new Date(0) }, 'Placed.data.at'],
    ['a Map', { m: new Map() }, 'Placed.data.m'],
    ['a function', { f: () => 1 }, 'Placed.data.f'],
    ['a cycle', cyclic, 'Placed.data.self'],
  ])('refuses %s and names the place', (found, value, path) => {
    expect(() => assertJson(value, 'Placed.data')).toThrow(expect.objectContaining({ code: 'CORE_NOT_JSON', path }));
    expect(() => assertJson(value, 'Placed.data')).toThrow(found);
    expect(() => assertJson(value, 'Placed.data')).toThrow(NotJson);
  });

  it('lets the same object stand in two places', () => {
    const shared = { a: 1 };
    expect(() => assertJson([shared, shared], 'value')).not.toThrow();
  });
});
