/** `annals why` on orders that came to different ends, told from what is stored. */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { EventStore } from '@annals/event-store';
import { eventually, testPostgres } from '@annals/testing';
import { orderBody, Shop } from '../shop/shop.js';

let shop: Shop;
let parts: Record<string, string>;
beforeAll(async () => {
  // One server for all contexts, each with the database of its name: as the command finds them.
  const server = new URL((await testPostgres()).url);
  server.pathname = '';
  shop = await Shop.start('nats', { DATABASE_URL: server.href });
  parts = { EVENTSTORE_URL: shop.parts.eventStoreUrl, DATABASE_URL: server.href, NATS_URL: shop.parts.natsUrl };
  await shop.receiveStock('tea', 5);
}, 180_000);
afterAll(() => shop.stop());

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const annals = (...args: readonly string[]): Promise<Ended> =>
  new Promise((settle) => {
    const env = { ...process.env, ...parts, NODE_OPTIONS: '' };
    execFile(process.execPath, [resolve('libs/cli/bin/annals.js'), ...args], { env }, (error, stdout, stderr) =>
      settle({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
    );
  });

interface Told {
  readonly correlationIds: readonly string[];
  readonly entries: readonly {
    readonly context: string;
    readonly kind: string;
    readonly what: string;
    readonly ms: number;
  }[];
  readonly open: readonly string[];
  readonly missing: readonly string[];
}

const told = async (about: string): Promise<Told> => {
  const { code, stdout, stderr } = await annals('why', about, '--json');
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Told;
};

/** Whether the texts stand in this order, whatever stands between them. */
function inOrder(text: string, wanted: readonly string[]): string[] {
  let from = 0;
  return wanted.filter((each) => {
    const at = text.indexOf(each, from);
    if (at >= 0) from = at + each.length;
    return at < 0;
  });
}

describe('annals why', () => {
  it('tells the way of a confirmed order over all contexts, in order', async () => {
    const orderId = await shop.placeOrder({ sku: 'tea' });
    await shop.shows('orders', `/orders/${orderId}`, { status: 'confirmed' });
    const { code, stdout, stderr } = await eventually(
      async () => {
        const ended = await annals('why', orderId);
        expect(ended.stdout).toMatch(/Nothing is open|^$/);
        return ended;
      },
      { within: 30_000, every: 100 },
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const missing = inOrder(stdout, [
      'command  PlaceOrder',
      `OrderPlaced in order-${orderId} #0`,
      'tells orders.order-placed.v1',
      'order-fulfilment: takes OrderPlaced',
      'order-fulfilment: sends inventory.reserve-stock.v1',
      'tells inventory.stock-reserved.v1',
      'order-fulfilment: takes inventory.stock-reserved.v1',
      'order-fulfilment: sends payments.take-payment.v1',
      'tells payments.payment-taken.v1',
      'command  ConfirmOrder',
      'Nothing is open.',
    ]);
    expect({ missing, stdout }).toEqual({ missing: [], stdout });
    expect(stdout).toMatch(/\+\d+ +inventory +event +\w+ in reservation-/);
    expect(stdout).toMatch(/\+\d+ +payments +event +PaymentTaken/);
    expect(stdout).toMatch(/orders +saga +order-fulfilment: ends: completed/);
    expect(stdout).toMatch(/notifications +event +MailSent in /);
  });

  it('tells how a declined payment was undone, by its correlation id, as JSON', async () => {
    const { headers, body } = await shop.post<{ orderId: string }>(
      'orders',
      '/orders',
      orderBody('tea', { card: 'declined' }),
      { 'x-correlation-id': `declined-${randomUUID()}` },
    );
    const correlationId = headers.get('x-correlation-id') ?? '';
    await shop.shows('orders', `/orders/${body.orderId}`, { status: 'cancelled' });
    const story = await eventually(
      async () => {
        const now = await told(correlationId);
        expect(now.open).toEqual([]);
        return now;
      },
      { within: 20_000, every: 100 },
    );
    expect(story).toMatchObject({ correlationIds: [correlationId], missing: [] });
    const whats = story.entries.map(({ what }) => what).join('\n');
    expect(
      inOrder(whats, [
        'PaymentDeclined',
        'order-fulfilment: sends inventory.release-stock.v1',
        'OrderCancelled',
        'ends: compensated',
      ]),
    ).toEqual([]);
    expect(new Set(story.entries.map(({ context }) => context))).toEqual(
      new Set(['orders', 'inventory', 'payments', 'notifications']),
    );
    const times = story.entries.map(({ ms }) => ms);
    expect(times).toEqual([...times].sort((one, other) => one - other));
    expect(times[0]).toBe(0);
  });

  it('tells what an order waits for, and what is to be done', async () => {
    const store = new EventStore({ url: shop.parts.eventStoreUrl });
    const event = { type: 'OrderPlaced', data: { orderId: 'poison' } };
    const metadata = { $correlationId: 'poisoned', $causationId: 'nobody knows' };
    await store.streams.append('order-poison', [{ id: randomUUID(), event, metadata }], 'any');
    await store.close();
    const story = await eventually(
      async () => {
        const now = await told('poisoned');
        expect(now.open.length).toBeGreaterThanOrEqual(3);
        return now;
      },
      { within: 30_000, every: 100 },
    );
    expect(story.entries.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['event', 'parked', 'saga']));
    expect(story.open).toEqual(
      expect.arrayContaining([
        expect.stringMatching(
          /^The read model order-summary stands still at OrderPlaced.*annals projections parked retry order-summary \d+$/,
        ),
        expect.stringMatching(/^In orders, the publisher parked OrderPlaced.*annals messages parked retry orders \d+$/),
        expect.stringMatching(/^The saga order-fulfilment of poison (failed|is stuck)/),
      ]),
    );
    expect(await told('poison')).toMatchObject({ correlationIds: ['poisoned'] });
  });

  it('says so when nothing is known, and when a part is away', async () => {
    const unknown = await annals('why', 'never-heard-of');
    expect(unknown).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('CLI_NOTHING_KNOWN') });
    expect(await annals('why')).toMatchObject({ code: 2 });
    await shop.parts.stopNats();
    expect((await told('poisoned')).missing).toEqual([expect.stringContaining('dead letters')]);
  });
});
