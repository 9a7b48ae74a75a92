import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { VirtualTime } from '../test/virtual-time.js';
import { DependencyFailed, DependencyTimeout } from './errors.js';
import { retrying, type RetrySettings } from './retry.js';

const settings: RetrySettings = { tries: 3, firstMs: 2_000, factor: 2, maxMs: 10_000 };
const timedOut = new DependencyTimeout('payments', 5_000);

/** Runs on virtual time; each failure is thrown by one try, after them it succeeds. */
async function attempt(failures: readonly Error[], changes: Partial<RetrySettings> = {}) {
  const time = new VirtualTime();
  let tries = 0;
  const sleep = (ms: number, signal?: AbortSignal) => {
    const slept = time.sleep(ms, signal);
    time.advance(ms);
    return slept;
  };
  const result = await retrying({ ...settings, ...changes }, { sleep }, () => {
    if (tries < failures.length) return Promise.reject(failures[tries++] ?? new Error());
    tries++;
    return Promise.resolve('done');
  }).catch((error: unknown) => error);
  return { result, tries, waits: time.slept };
}

describe('retrying', () => {
  it('tries three times in all, and then says what the last one said', async () => {
    expect(await attempt([timedOut, timedOut])).toMatchObject({ result: 'done', tries: 3 });
    expect(await attempt([timedOut, timedOut, timedOut, timedOut])).toMatchObject({ result: timedOut, tries: 3 });
  });

  it.each([429, 502, 503, 504])('tries again after a %d', async (status) => {
    expect(await attempt([new DependencyFailed('payments', status)])).toMatchObject({ result: 'done', tries: 2 });
  });

  it.each([
    ['a 500', new DependencyFailed('payments', 500)],
    ['a mistake of ours', new TypeError('x is not a function')],
  ])('does not try again after %s', async (_, error) => {
    expect(await attempt([error])).toMatchObject({ result: error, tries: 1, waits: [] });
  });

  it('knows a broken connection by its cause', async () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    expect(await attempt([new TypeError('fetch failed', { cause: refused })])).toMatchObject({
      result: 'done',
      tries: 2,
    });
  });

  it('waits as long as Retry-After says, and gives up when that is too long', async () => {
    expect((await attempt([new DependencyFailed('payments', 503, 9_000)])).waits).toEqual([9_000]);
    const later = new DependencyFailed('payments', 503, 11_000);
    expect(await attempt([later])).toMatchObject({ result: later, tries: 1 });
  });

  it('waits at random below a bound that grows by the factor up to the most', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          tries: fc.integer({ min: 1, max: 8 }),
          firstMs: fc.integer({ min: 1, max: 5_000 }),
          factor: fc.integer({ min: 1, max: 5 }),
          maxMs: fc.integer({ min: 1, max: 20_000 }),
        }),
        async (shape) => {
          const { waits, tries } = await attempt(Array<Error>(20).fill(timedOut), shape);
          expect(tries).toBe(shape.tries);
          expect(waits).toHaveLength(shape.tries - 1);
          for (const [i, wait] of waits.entries()) {
            expect(wait).toBeGreaterThanOrEqual(0);
            expect(wait).toBeLessThanOrEqual(Math.min(shape.maxMs, shape.firstMs * shape.factor ** i));
          }
        },
      ),
    );
  });

  it('stops waiting when the caller goes away', async () => {
    const time = new VirtualTime();
    const gone = new AbortController();
    let tries = 0;
    const running = retrying(settings, { signal: gone.signal, sleep: time.sleep }, () => {
      tries++;
      return Promise.reject(timedOut);
    });
    while (time.slept.length === 0) await Promise.resolve();
    gone.abort(new Error('gone'));
    await expect(running).rejects.toThrow('gone');
    expect(tries).toBe(1);
  });
});
