import { describe, expect, it } from '@jest/globals';
import { NotWithin } from './errors.js';
import { eventually } from './eventually.js';

describe('eventually', () => {
  it('gives what the first successful check gave', async () => {
    const answers = [false, null, 'found', 'later'] as const;
    let checks = 0;
    expect(await eventually(() => answers[checks++], { every: 0 })).toBe('found');
    expect(checks).toBe(3);
  });

  it('takes a check that throws as one that has not succeeded yet', async () => {
    let value = 0;
    await eventually(() => expect(++value).toBe(4), { every: 0 });
    expect(value).toBe(4);
  });

  it('fails after its time, with what the last check said and the line that waited', async () => {
    const cause = new Error('three rows, not four');
    const failure: unknown = await eventually(() => Promise.reject(cause), { within: 500, every: 10 }).catch(
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(NotWithin);
    expect(failure).toMatchObject({ code: 'TESTING_NOT_WITHIN', withinMs: 500, cause });
    expect((failure as NotWithin).checks).toBeGreaterThan(1);
    expect((failure as Error).message).toMatch(/Not within 500 ms.*three rows, not four/);
    expect((failure as Error).stack).toMatch(/^NotWithin: .*\n\s+at .*eventually\.spec\.ts/);
  });

  it('does not wait for a check that never answers', async () => {
    await expect(eventually(() => new Promise(() => undefined), { within: 20 })).rejects.toThrow(/still waiting/);
  });

  it('always checks once', async () => {
    expect(await eventually(() => 'there', { within: 0 })).toBe('there');
  });
});
