import { describe, expect, it } from '@jest/globals';
import { NotJson, payloadDigest } from './index.js';

describe('payloadDigest', () => {
  it('is the same whatever the order of properties, and without those that are undefined', () => {
    const digest = payloadDigest('Place', { a: 1, b: { c: [1, 2], d: null } });
    expect(digest).toHaveLength(22);
    expect(payloadDigest('Place', { b: { d: null, c: [1, 2], e: undefined }, a: 1 })).toBe(digest);
  });

  it.each([
    ['another type', 'Cancel', { a: 1 }],
    ['another value', 'Place', { a: 2 }],
    ['text for a number', 'Place', { a: '1' }],
    ['a property more', 'Place', { a: 1, b: null }],
    ['a bigint', 'Place', { a: 1n }],
  ])('differs for %s', (_, type, data) => {
    expect(payloadDigest(type, data)).not.toBe(payloadDigest('Place', { a: 1 }));
  });

  it('keeps the order of lists', () => {
    expect(payloadDigest('P', [1, 2])).not.toBe(payloadDigest('P', [2, 1]));
  });

  it('refuses data that contains itself', () => {
    const cyclic: Record<string, unknown> = {};
    cyclic['self'] = cyclic;
    expect(() => payloadDigest('Place', cyclic)).toThrow(NotJson);
  });
});
