import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { canonicalJson } from './canonical-json.js';

const text = (value: unknown) => JSON.stringify(canonicalJson(value));

describe('canonicalJson', () => {
  it("orders keys as Postgres' jsonb does: by length in bytes, then bytewise", () => {
    expect(text({ bb: 1, a: 2, ü: 3, B: 4, aa: 5 })).toBe('{"B":4,"a":2,"aa":5,"bb":1,"ü":3}');
  });

  it('leaves out what JSON leaves out', () => {
    expect(text({ a: undefined, b: [undefined, new Date(0)], c: -0, d: NaN })).toBe(
      '{"b":[null,"1970-01-01T00:00:00.000Z"],"c":0,"d":null}',
    );
  });

  it('changes nothing but the order of keys, and nothing at all the second time', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const canonical = canonicalJson(value);
        expect(canonical).toEqual(JSON.parse(JSON.stringify(value)));
        expect(text(canonical)).toBe(JSON.stringify(canonical));
      }),
    );
  });
});
