/** The shop on a machine without a nats-server, and what operators do beside it. */
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { freePort } from '@annals/embedded';
import { beginning, EventStore } from '@annals/event-store';
import { EventStoreTransport } from '@annals/messaging';
import { eventually } from '@annals/testing';
import { Place, type Run } from './annals-command.js';

const place = new Place();
/** All programs of this machine but a nats-server, and apt that would get one. */
const programs = mkdtempSync(join(tmpdir(), 'annals-programs-'));
// Postgres runs on an account of its own, which must be able to look into it.
chmodSync(programs, 0o755);
for (const folder of (process.env['PATH'] ?? '').split(delimiter).filter(existsSync))
  for (const program of readdirSync(folder).filter((name) => name !== 'nats-server' && name !== 'apt-get'))
    if (!existsSync(join(programs, program))) symlinkSync(join(folder, program), join(programs, program));
const withoutNats = { PATH: programs, NATS_SERVER_PATH: programs };

let shop: Run;
let env: Record<string, string>;
let orders: string;
let orderId: string;
beforeAll(async () => {
  const port = await freePort();
  orders = `http://127.0.0.1:${port}`;
  shop = place.run(['start'], { ...withoutNats, ORDERS_PORT: String(port) });
  await shop.says(/Everything is up/);
  const found = (pattern: RegExp) => pattern.exec(shop.stdout())?.[1] ?? '';
  env = { EVENTSTORE_URL: found(/(esdb:\/\/\S+)/), DATABASE_URL: found(/(postgres:\/\/\S+)/) };
  orderId = found(/http:\S+\/orders\/(\S+)/);
}, 240_000);
afterAll(async () => {
  shop.kill('SIGTERM');
  await shop.ended;
  await place.leave();
  rmSync(programs, { recursive: true });
}, 60_000);

const annals = (...args: string[]) => place.run(args, env).ended;
async function json<Value>(...args: string[]): Promise<Value> {
  const { code, stdout, stderr } = await annals(...args, '--json');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as Value;
}

describe('annals start without a nats-server', () => {
  it('lets messages travel through the event store, and says so with the ways to get one', () => {
    expect(shop.stdout()).toContain('none: messages between contexts travel through the event store.');
    expect(shop.stdout()).toContain('apt-get install nats-server');
    expect(shop.stdout()).toMatch(/confirmed/);
  });

  it('fails when NATS was asked for', async () => {
    const insisting = new Place();
    const ended = await insisting.run(['infra'], { ...withoutNats, MESSAGING_TRANSPORT: 'nats' }).ended;
    await insisting.leave();
    expect(ended).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('EMBEDDED_NATS_SERVER_MISSING') as unknown,
    });
    const wrong = await place.run(['infra'], { MESSAGING_TRANSPORT: 'pigeons' }).ended;
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('nor') as unknown });
  }, 120_000);
});

describe('annals sagas', () => {
  it('lists instances and tells what happened to one', async () => {
    const listed = await eventually(
      async () => {
        const instances = await json<{ id: string }[]>('sagas', 'list', '--state', 'completed');
        return instances.some(({ id }) => id === orderId) ? instances : null;
      },
      // Each look is a process of its own.
      { within: 30_000 },
    );
    expect(listed).toContainEqual(
      expect.objectContaining({ context: 'orders', saga: 'order-fulfilment', id: orderId }),
    );
    const { code, stdout } = await annals('sagas', 'show', 'order-fulfilment', orderId);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^order-fulfilment \S+, version \d+: completed/),
    });
    for (const line of [
      'input    OrderPlaced',
      'command  inventory.reserve-stock.v1',
      'step     take payment: done',
      'end      completed',
    ])
      expect(stdout).toContain(line);
  }, 120_000);

  it('asks the app to retry or cancel, and says why it does not', async () => {
    const retried = await annals('sagas', 'retry', 'order-fulfilment', orderId, '--url', orders);
    expect(retried).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('is completed, so it cannot be retried') as unknown,
    });
    const reason = ['--reason', 'a test'];
    const cancelled = await annals('sagas', 'cancel', 'order-fulfilment', orderId, '--url', orders, ...reason);
    expect(cancelled).toMatchObject({ code: 1, stderr: expect.stringContaining('CLI_APP_REFUSED') as unknown });
    const nowhere = await annals(
      'sagas',
      'cancel',
      'order-fulfilment',
      orderId,
      '--url',
      'http://127.0.0.1:9',
      ...reason,
    );
    expect(nowhere).toMatchObject({ code: 1, stderr: expect.stringContaining('CLI_APP_NOT_REACHABLE') as unknown });
    const unknown = await annals('sagas', 'retry', 'order-fulfillment', orderId);
    expect(unknown).toMatchObject({ code: 1, stderr: expect.stringContaining('order-fulfilment') as unknown });
    const missing = await annals('sagas', 'show', 'order-fulfilment', 'nobody');
    expect(missing).toMatchObject({ code: 1, stderr: expect.stringContaining('SAGA_INSTANCE_NOT_FOUND') as unknown });
  }, 120_000);
});

describe('annals messages', () => {
  it('lists, shows, replays and drops dead letters', async () => {
    const eventStore = new EventStore({ url: env['EVENTSTORE_URL'] ?? '' });
    const checkpoints = { load: () => Promise.resolve(beginning), save: () => Promise.resolve() };
    await new EventStoreTransport({ eventStore, checkpoints }).publish(
      { kind: 'commands', context: 'inventory' },
      {
        ...({ specversion: '1.0', datacontenttype: 'application/json', id: 'wrong', source: 'test' } as const),
        ...{ type: 'inventory.reserve-stock.v1', subject: 'o', time: new Date().toISOString(), data: {} },
        ...{ correlationid: 'talk', causationid: 'talk' },
      },
    );
    await eventStore.close();
    const dead = () => json<{ id: string; context: string; tries: number }[]>('messages', 'dead', 'list');
    const [first] = await eventually(
      async () => {
        const letters = await dead();
        return letters.length === 1 ? letters : null;
      },
      { within: 30_000 },
    );
    expect(first).toMatchObject({ context: 'inventory', error: { code: 'MESSAGING_INVALID_CONTRACT_DATA' } });
    const id = first?.id ?? '';
    const shown = await annals('messages', 'dead', 'show', id);
    expect(shown).toMatchObject({ code: 0, stdout: expect.stringContaining('given up by inventory') as unknown });
    expect(await annals('messages', 'dead', 'replay', id)).toMatchObject({ code: 0 });
    const [next] = await eventually(
      async () => {
        const letters = await dead();
        return letters.length === 1 && letters[0]?.id !== id ? letters : null;
      },
      { within: 30_000 },
    );
    expect(await annals('messages', 'dead', 'drop', next?.id ?? '')).toMatchObject({ code: 0 });
    expect(await dead()).toEqual([]);
    expect(await annals('messages', 'dead', 'drop', id)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('MESSAGING_NO_SUCH_DEAD_LETTER') as unknown,
    });
    expect(await json('messages', 'parked', 'list')).toEqual([]);
    expect(await annals('messages', 'parked', 'retry', 'orders', '1')).toMatchObject({ code: 1 });
    expect(await annals('messages', 'parked', 'retry', 'orders')).toMatchObject({ code: 2 });
  }, 120_000);
});
