import { expect, it } from '@jest/globals';
import { differences } from './differences.js';

it('names the places where two answers differ, and no values', () => {
  const one = { id: 'o-1', lines: [{ sku: 'tea', quantity: 1 }], note: null, at: 1 };
  expect(differences(one, structuredClone(one))).toEqual([]);
  expect(differences(one, { ...one, lines: [{ sku: 'mug', quantity: 1 }, {}], more: true, note: {} })).toEqual([
    '$.lines[0].sku',
    '$.lines[1]',
    '$.note',
    '$.more',
  ]);
  expect(differences([1], { 0: 1 })).toEqual(['$']);
  expect(differences({ at: 1, in: { at: 2 } }, { at: 3, in: { at: 4 } }, new Set(['at']))).toEqual([]);
  expect(differences(Array(100).fill(1), Array(100).fill(2))).toHaveLength(20);
});
