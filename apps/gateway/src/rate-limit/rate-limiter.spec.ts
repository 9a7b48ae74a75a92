import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { networkOf } from './client.js';
import { RateLimiter } from './rate-limiter.js';

const limit = { limit: 10, windowMs: 1_000 };

describe('a rate limiter', () => {
  it('lets each client ask so often in a window, and says when to ask again', () => {
    let now = 0;
    const limiter = new RateLimiter(() => now);
    for (let i = 9; i >= 0; i--) expect(limiter.hit('ann', limit)).toMatchObject({ allowed: true, remaining: i });
    expect(limiter.hit('ann', limit)).toEqual({ allowed: false, remaining: 0, retryAfterSeconds: 1 });
    expect(limiter.hit('bob', limit).allowed).toBe(true);
    now = 1_500; // half of the window before still counts
    for (let i = 0; i < 5; i++) expect(limiter.hit('ann', limit).allowed).toBe(true);
    expect(limiter.hit('ann', limit).allowed).toBe(false);
    now = 3_500;
    expect(limiter.hit('ann', limit).remaining).toBe(9);
  });

  it('never lets through much more than its limit in any window, however requests come', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 200 }), (gaps) => {
        let now = 0;
        const limiter = new RateLimiter(() => now);
        const allowed: number[] = [];
        for (const gap of gaps) {
          now += gap;
          if (limiter.hit('ann', limit).allowed) allowed.push(now);
        }
        // Two counters stand for the window: at its worst, twice the limit within one.
        for (const end of allowed)
          expect(allowed.filter((at) => at > end - limit.windowMs && at <= end).length).toBeLessThanOrEqual(
            2 * limit.limit,
          );
        const windows = Math.floor(now / limit.windowMs) + 1;
        expect(allowed.length).toBeLessThanOrEqual(windows * limit.limit);
      }),
    );
  });

  it('is the storage of the throttler', async () => {
    const limiter = new RateLimiter(() => 0);
    expect(await limiter.increment('ann', 1_000, 2)).toMatchObject({ totalHits: 1, isBlocked: false });
    await limiter.increment('ann', 1_000, 2);
    expect(await limiter.increment('ann', 1_000, 2)).toMatchObject({ isBlocked: true, timeToBlockExpire: 1 });
  });
});

it('takes an IPv6 network for one client', () => {
  expect(networkOf('10.0.0.1')).toBe('10.0.0.1');
  expect(networkOf('::ffff:10.0.0.1')).toBe('10.0.0.1');
  expect(networkOf('2001:db8:0:1::7')).toBe('2001:db8:0:1');
  expect(networkOf('2001:0db8:0000:0001:ffff::1')).toBe('2001:db8:0:1');
  expect(networkOf('::1')).toBe('0:0:0:0');
});
