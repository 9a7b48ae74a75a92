import { describe, expect, it } from '@jest/globals';
import { compactJson } from './compact-json.js';
import { jsonLine } from './json.js';
import { duration, progressBar } from './progress-bar.js';
import { runSteps } from './steps.js';
import { table } from './table.js';

function screen(isTTY = false) {
  const written = { text: '' };
  return { written, stream: { isTTY, write: (text: string) => (written.text += text) } };
}

describe('JSON for people', () => {
  it('keeps on a line what fits, and says the same as JSON.stringify', () => {
    const value = {
      id: 'o-1',
      lines: [{ sku: 'tea', n: 2 }, { sku: 'mug' }],
      none: null,
      empty: {},
      note: 'x'.repeat(40),
    };
    const text = compactJson(value, 50);
    expect(JSON.parse(text)).toEqual(value);
    expect(Math.max(...text.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(52);
    expect(text).toContain('{ "sku": "tea", "n": 2 }');
    expect(compactJson({ a: 1 })).toBe('{ "a": 1 }');
  });
});

it('JSON for programs has positions as text', () => {
  expect(jsonLine({ position: 12n })).toBe('{"position":"12"}');
});

describe('a table', () => {
  it('has columns as wide as needed, numbers at the right', () => {
    expect(
      table(
        ['name', 'events'],
        [
          ['orders', 5],
          ['x', 1_000],
        ],
      ),
    ).toEqual(['name    events', 'orders       5', 'x         1000']);
    expect(table(['a', 'b'], [[undefined, 'x']])).toEqual(['a  b', '-  x']);
  });
});

describe('progress', () => {
  const half = { done: 5_000, total: 10_000, eventsPerSecond: 1234.5, etaMs: 4_051 };

  it('is one line drawn again in a terminal', () => {
    const { written, stream } = screen(true);
    const bar = progressBar('order-summary', stream);
    bar.show(half);
    bar.show({ ...half, done: 10_000, etaMs: 0 });
    bar.end();
    expect(written.text).toContain(
      `${'█'.repeat(15)}${'░'.repeat(15)} 50% 5,000 / 10,000 events, 1,235 events/s, 5 s left`,
    );
    expect(written.text.match(/\n/g)).toHaveLength(1);
  });

  it('is a line now and then elsewhere, the last state always', () => {
    const { written, stream } = screen();
    let now = 0;
    const bar = progressBar('order-summary', stream, () => now);
    bar.show(half);
    now = 500;
    bar.show({ ...half, done: 6_000 });
    now = 2_100;
    bar.show({ ...half, done: 7_000 });
    bar.show({ ...half, done: 10_000 });
    bar.end();
    expect(written.text.match(/\d+%/g)).toEqual(['50%', '70%', '100%']);
  });

  it('tells durations as people do', () => {
    expect([400, 59_000, 61_000, 3_700_000].map(duration)).toEqual(['1 s', '59 s', '1 min 1 s', '1 h 1 min']);
  });
});

describe('steps without a terminal', () => {
  it('print a line for each, run at the same time, and fail with the first error after all have ended', async () => {
    const { written, stream } = screen();
    const ended: string[] = [];
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    const slow = async () => {
      await released;
      ended.push('slow');
      return 'done';
    };
    const broken = () => {
      release();
      return Promise.reject(new Error('broken'));
    };
    const steps = [
      { name: 'slow', run: slow },
      { name: 'broken', run: broken },
    ];
    await expect(runSteps(steps, stream)).rejects.toThrow('broken');
    expect(ended).toEqual(['slow']);
    expect(written.text).toMatch(/^ {2}broken +failed \(\d+\.\d s\)\n {2}slow +done \(\d+\.\d s\)\n$/);
  });
});
