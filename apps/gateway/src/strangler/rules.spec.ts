import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseRules, percentileOf, sideOf, type Asked, type Rule } from './rules.js';

const asked: Asked = { method: 'GET', path: '/api/orders/o-1', headers: { 'x-beta': '1' }, customer: 'sub:ann' };
const side = (target: readonly Rule[], changes: Partial<Asked> = {}) =>
  sideOf({ target, shadow: false, ignore: [] }, { ...asked, ...changes });

describe('a request', () => {
  it('is the target’s when no rules are there, and legacy’s when none fits', () => {
    expect(sideOf(undefined, asked)).toBe('target');
    expect(side([])).toBe('legacy');
    expect(side([{}])).toBe('target');
  });

  it.each<[Rule, Partial<Asked>, string]>([
    [{ prefix: '/api/orders' }, {}, 'target'],
    [{ prefix: '/api/orders/o-1' }, {}, 'target'],
    [{ prefix: '/api/orders/o' }, {}, 'legacy'],
    [{ prefix: '/api/ord' }, {}, 'legacy'],
    [{ method: ['GET', 'HEAD'] }, {}, 'target'],
    [{ method: ['POST'] }, {}, 'legacy'],
    [{ header: { name: 'X-Beta' } }, {}, 'target'],
    [{ header: { name: 'x-beta', value: '1' } }, {}, 'target'],
    [{ header: { name: 'x-beta', value: '2' } }, {}, 'legacy'],
    [{ header: { name: 'x-beta' } }, { headers: {} }, 'legacy'],
    [{ method: ['GET'], header: { name: 'x-other' } }, {}, 'legacy'],
  ])('goes by %j', (rule, changes, expected) => {
    expect(side([rule], changes)).toBe(expected);
    expect(side([{ method: ['PURGE'] }, rule], changes)).toBe(expected);
  });

  it('is on the side of its customer, who stays when the share grows', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.integer({ min: 0, max: 100 }),
        fc.integer({ min: 0, max: 100 }),
        (customer, one, other) => {
          const [small, large] = [Math.min(one, other), Math.max(one, other)];
          if (side([{ percentage: small }], { customer }) === 'target')
            expect(side([{ percentage: large }], { customer })).toBe('target');
          expect(side([{ percentage: 0 }], { customer })).toBe('legacy');
          expect(side([{ percentage: 100 }], { customer })).toBe('target');
        },
      ),
    );
  });

  it('is shared out evenly', () => {
    const below25 = Array.from({ length: 10_000 }, (_, i) => percentileOf(`customer-${i}`)).filter(
      (p) => p < 25,
    ).length;
    expect(below25).toBeGreaterThan(2_300);
    expect(below25).toBeLessThan(2_700);
  });
});

describe('a document of rules', () => {
  it('says everything that is wrong with it', () => {
    const { problems } = parseRules(
      {
        '/api/stock': {
          target: [{ percentage: 101, prefix: 'api' }, 'all', { header: 'x' }, { method: 'GET' }],
          shadow: 1,
        },
        '/api/unknown': { target: [] },
        '/api/orders': { targets: [], ignore: 'x' },
      },
      ['/api/stock', '/api/orders'],
    );
    expect(problems).toEqual([
      '/api/stock: shadow is true or false.',
      '/api/stock: target[0]: prefix is a path that begins with /.',
      '/api/stock: target[0]: percentage is a number from 0 to 100.',
      '/api/stock: target[1]: a rule is an object.',
      '/api/stock: target[2]: header is {"name": "x-beta"}, with a "value" where it must have one.',
      '/api/stock: target[3]: method is a list such as ["GET", "POST"].',
      '/api/unknown is no route with a legacy side. These are: /api/stock, /api/orders.',
      "/api/orders: 'targets' is not known; use target, shadow and ignore.",
      '/api/orders: ignore is a list of names of properties.',
      '/api/orders: target is a list of rules; [] is none, [{}] everything.',
    ]);
    for (const none of [null, [], 'x']) expect(parseRules(none, []).problems).toHaveLength(1);
  });

  it('is taken as it is when nothing is wrong', () => {
    const document = { '/api/stock': { target: [{ percentage: 12.5 }], shadow: true, ignore: ['updatedAt'] } };
    expect(parseRules(document, ['/api/stock'])).toEqual({ rules: document, problems: [] });
  });
});
