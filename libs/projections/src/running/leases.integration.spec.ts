import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually, testEventStore, testPostgres, type TestEventStore } from '@annals/testing';
import { counterApp, expectedCounters, type CounterApp } from '../../test/counters.js';

const ids = Array.from({ length: 12 }, (_, index) => `c${index}`);

const plain = (rows: object[]) => rows.map((row) => ({ ...row }));

describe('leases (G10)', () => {
  let events: TestEventStore;
  let databaseUrl: string;
  const apps: CounterApp[] = [];
  const children: ChildProcess[] = [];
  beforeAll(async () => {
    events = await testEventStore();
  });
  beforeEach(async () => {
    databaseUrl = (await testPostgres()).url;
  });
  afterEach(async () => {
    for (const child of children.splice(0)) {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
    }
    await Promise.all(apps.splice(0).map((app) => app.stop()));
  });
  afterAll(() => events.close());

  async function app(): Promise<CounterApp> {
    const created = await counterApp(events.url, databaseUrl);
    apps.push(created);
    return created;
  }

  async function killableInstance(): Promise<ChildProcess> {
    const file = resolve('libs/projections/test/instance-process.mjs');
    const child = spawn(process.execPath, [file, events.url, databaseUrl], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    children.push(child);
    let said = '';
    child.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await eventually(() => expect(said).toContain('owning'), { within: 20_000 });
    return child;
  }

  const owners = async ({ database }: CounterApp) => {
    const { rows } = await database.pool.query<{ epoch: string; owner: string }>(
      `select epoch, owner from annals.read_model_checkpoint where name = 'counters' order by partition`,
    );
    return rows;
  };

  it('go to another instance within 5 s of kill -9, and every event is folded once', async () => {
    const child = await killableInstance();
    const heir = await app();
    await heir.projections.start();
    let counted = 0;
    for (; counted < 100; counted += 10) await heir.count(ids, counted, 10);
    const killedAt = performance.now();
    child.kill('SIGKILL');
    const position = await heir.count(ids, counted, 100);
    expect(await heir.projections.waitForAll(position, { timeoutMs: 10_000 })).toBe(true);
    expect(performance.now() - killedAt).toBeLessThan(5_000);
    expect(plain(await heir.rows())).toEqual(expectedCounters(ids, 200));
    const verification = await heir.projections.verify('counters');
    expect(verification).toMatchObject({ rows: ids.length, drifted: 0 });
  });

  it('are shared among instances, and come back when one stops', async () => {
    const before = (await app()).store;
    const head = Number(await before.streams.headPosition());
    expect(head).toBeGreaterThan(0);
    const [one, other] = [apps[0] as CounterApp, await app()];
    await one.projections.start();
    await eventually(async () => expect((await owners(one)).every(({ owner }) => owner !== null)).toBe(true));
    const epochs = (await owners(one)).map(({ epoch }) => Number(epoch));
    await other.projections.start();
    // Both are this process, so the epochs tell: two of the four partitions are taken over.
    await eventually(async () => {
      const now = (await owners(one)).map(({ epoch }) => Number(epoch));
      expect(now.filter((epoch, partition) => epoch > (epochs[partition] ?? 0)).length).toBe(2);
    });
    const position = await one.count(ids, 200, 48);
    expect(await other.projections.waitForAll(position, { timeoutMs: 10_000 })).toBe(true);
    expect(await one.projections.waitForAll(position, { timeoutMs: 10_000 })).toBe(true);
    expect(plain(await one.rows())).toEqual(expectedCounters(ids, 248));
    apps.splice(0, 1);
    await one.stop();
    const later = await other.count(ids, 248, 12);
    expect(await other.projections.waitForAll(later, { timeoutMs: 10_000 })).toBe(true);
    expect(plain(await other.rows())).toEqual(expectedCounters(ids, 260));
  });

  it('are those of partitions, through rebuilds and rollbacks', async () => {
    const one = await app();
    await one.projections.start();
    await one.projections.rebuild('counters');
    expect(await one.projections.waitForAll(await one.count(ids, 260, 24))).toBe(true);
    expect(plain(await one.rows())).toEqual(expectedCounters(ids, 284));
    await one.projections.rollback('counters');
    expect(await one.projections.waitForAll(await one.count(ids, 284, 24))).toBe(true);
    expect(plain(await one.rows())).toEqual(expectedCounters(ids, 308));
    expect(await one.projections.verify('counters')).toMatchObject({ rows: ids.length, drifted: 0 });
  });
});
