import { describe, expect, it } from '@jest/globals';
import { silent } from '@annals/core';
import { HealthCheckService, HealthIndicatorService, TerminusModule } from '@nestjs/terminus';
import { NestFactory } from '@nestjs/core';
import { degraded, down, up, type HealthPart } from './health-part.js';
import { Readiness } from './readiness.js';

const app = await NestFactory.createApplicationContext(TerminusModule.forRoot({ logger: false }), { logger: false });

const readinessOf = (parts: readonly HealthPart[], { log = silent, holdsForMs = 0 } = {}) =>
  new Readiness({
    partsOf: () => parts,
    timeoutMs: 50,
    terminus: app.get(HealthCheckService),
    indicators: app.get(HealthIndicatorService),
    log,
    holdsForMs,
  });

const never = () => new Promise<never>(() => undefined);

describe('readiness', () => {
  it('is ok when all parts are well', async () => {
    expect(await readinessOf([{ name: 'one', check: () => up }]).health()).toEqual({
      status: 'ok',
      parts: [{ name: 'one', status: 'up' }],
    });
  });

  it('names the parts that are down and those that are degraded, with the reasons', async () => {
    const parts: HealthPart[] = [
      { name: 'well', check: () => Promise.resolve(up) },
      { name: 'gone', check: () => Promise.reject(new Error('ECONNREFUSED')) },
      { name: 'broken', check: () => down('cable cut') },
      { name: 'tired', check: () => degraded('3 parked keys') },
    ];
    const { status, parts: told } = await readinessOf(parts).health();
    expect(status).toBe('down');
    expect(told).toHaveLength(4);
    expect(told).toEqual(
      expect.arrayContaining([
        { name: 'well', status: 'up' },
        { name: 'gone', status: 'down', reason: 'ECONNREFUSED' },
        { name: 'broken', status: 'down', reason: 'cable cut' },
        { name: 'tired', status: 'degraded', reason: '3 parked keys' },
      ]),
    );
    expect((await readinessOf(parts.filter(({ name }) => ['well', 'tired'].includes(name))).health()).status).toBe(
      'degraded',
    );
  });

  it('asks all parts at the same time, each within its own time', async () => {
    const slow = (name: string, withinMs: number): HealthPart => ({ name, check: never, withinMs });
    const began = performance.now();
    const { parts } = await readinessOf([slow('a', 200), slow('b', 200), slow('c', 10), slow('d', 200)]).health();
    expect(performance.now() - began).toBeLessThan(600);
    expect(parts.map(({ reason }) => reason).sort()).toEqual([
      'no answer within 10 ms',
      ...['no answer within 200 ms', 'no answer within 200 ms', 'no answer within 200 ms'],
    ]);
  });

  it('does not ask a part again that hangs, and sees when it answers at last', async () => {
    let asked = 0;
    let answer = () => undefined as void;
    const parts: HealthPart[] = [
      {
        name: 'hanging',
        check: () => {
          asked++;
          return new Promise((resolve) => (answer = () => resolve(up)));
        },
      },
    ];
    const readiness = readinessOf(parts);
    for (let i = 0; i < 3; i++) expect((await readiness.health()).status).toBe('down');
    expect(asked).toBe(1);
    const asking = readiness.health();
    answer();
    expect((await asking).status).toBe('ok');
  });

  it('answers many questions at once with one look', async () => {
    let asked = 0;
    const readiness = readinessOf([{ name: 'one', check: () => (asked++, up) }], { holdsForMs: 60_000 });
    await Promise.all(Array.from({ length: 100 }, () => readiness.health()));
    await readiness.health();
    expect(asked).toBe(1);
  });

  it('is over as soon as the app drains, also for who has asked before', async () => {
    let answer = () => undefined as void;
    const readiness = readinessOf([
      { name: 'one', check: () => new Promise((resolve) => (answer = () => resolve(up))) },
    ]);
    const asking = readiness.health();
    await new Promise((resolve) => setImmediate(resolve));
    readiness.drain();
    answer();
    expect((await asking).status).toBe('draining');
    expect((await readiness.health()).status).toBe('draining');
  });

  it('writes a line when it changes, and none for each probe', async () => {
    const lines: string[] = [];
    let condition = up as ReturnType<HealthPart['check']>;
    const say = (message: string) => void lines.push(message);
    const readiness = readinessOf([{ name: 'one', check: () => condition, withinMs: 1_000 }], {
      log: { info: say, warn: say, error: say },
    });
    const probe = async (times: number) => {
      for (let i = 0; i < times; i++) await readiness.health();
    };
    await probe(2);
    condition = down('cut');
    await probe(2);
    condition = up;
    await probe(2);
    expect(lines).toEqual(['Not ready.', 'Ready again.']);
  });
});
