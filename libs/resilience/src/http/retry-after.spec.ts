import { expect, it } from '@jest/globals';
import { retryAfterMs } from './retry-after.js';

it('reads seconds and dates, and nothing else', () => {
  const now = Date.parse('2030-01-01T00:00:00Z');
  expect(retryAfterMs('3', now)).toBe(3_000);
  expect(retryAfterMs('Tue, 01 Jan 2030 00:00:05 GMT', now)).toBe(5_000);
  expect(retryAfterMs('Mon, 31 Dec 2029 23:00:00 GMT', now)).toBe(0);
  expect(retryAfterMs(['7', '9'], now)).toBe(7_000);
  for (const none of [undefined, '', 'soon', '-1', '1.5x']) expect(retryAfterMs(none, now)).toBeUndefined();
});
