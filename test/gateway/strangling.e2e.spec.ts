/** The way of docs/guides/strangling-a-legacy-shop.md, gone step by step: an old shop is moved away from, route by route. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { freePort, startEventStoreProcess, type RunningPart } from '@annals/embedded';
import { eventually, testPostgres } from '@annals/testing';
import { AppProcess } from '../shop/app-process.js';
import { asCustomer, asOperator } from './gateway-bed.js';

const everythingLegacy = { '/api/stock': { target: [] }, '/api/orders': { target: [] } };

let folder: string;
let eventStore: RunningPart;
let legacy: ChildProcess;
let inventory: AppProcess;
let orders: AppProcess;
let gateway: AppProcess;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'annals-strangler-'));
  await writeFile(join(folder, 'rules.json'), JSON.stringify(everythingLegacy));
  eventStore = await startEventStoreProcess({ port: 0, dataDir: join(folder, 'eventstore') });
  inventory = await context('inventory');
  orders = await context('orders');
  const legacyUrl = await startLegacyShop();
  const port = await freePort();
  gateway = new AppProcess(
    'gateway',
    {
      PORT: String(port),
      LEGACY_SHOP_URL: legacyUrl,
      INVENTORY_URL: inventory.url,
      ORDERS_URL: orders.url,
      GATEWAY_STRANGLER_RULES: join(folder, 'rules.json'),
    },
    port,
  );
  await Promise.all([inventory, orders, gateway].map((app) => app.start()));
}, 120_000);

afterAll(async () => {
  await Promise.all([gateway, inventory, orders].map((app) => app?.end('SIGTERM')));
  legacy?.kill('SIGTERM');
  if (legacy) await once(legacy, 'exit');
  await eventStore?.stop();
  await rm(folder, { recursive: true, force: true });
});

describe('an old shop', () => {
  it('goes on as it was, behind the gateway', async () => {
    for (const sku of ['tea', 'mug']) {
      const received = await ask('POST', `/api/stock/${sku}/receipts`, { quantity: 10 });
      expect([received.status, received.servedBy]).toEqual([201, 'legacy-shop']);
    }
    const placed = await ask('POST', '/api/orders', { customerId: 'ann', lines: [] });
    expect([placed.status, placed.servedBy]).toEqual([201, 'legacy-shop']);
    expect((await ask('GET', `/api/orders/${String(placed.body['orderId'])}`)).body).toMatchObject({
      customerId: 'ann',
    });
  });

  it('is compared with the new one by shadow reads: clients see the old answers, operators the differences', async () => {
    await receive('tea', 10);
    await receive('mug', 7); // three are missing
    await rules({ ...everythingLegacy, '/api/stock': { target: [], shadow: true, ignore: ['updatedAt'] } });
    const mug = await ask('GET', '/api/stock/mug');
    expect(mug).toMatchObject({ servedBy: 'legacy-shop', body: { available: 10 } });
    await ask('GET', '/api/stock/tea');
    await shadowsShow({ compared: 2, same: 1, different: 1 });
    const { last } = (await shadows()) as { last: readonly Record<string, unknown>[] };
    expect(last).toMatchObject([{ path: '/stock/mug', differs: ['$.available'] }]);

    await receive('mug', 3);
    await ask('GET', '/api/stock/mug');
    await shadowsShow({ compared: 3, same: 2, different: 1 });
  });

  it('gives reads away first, then a whole route', async () => {
    await rules({ ...everythingLegacy, '/api/stock': { target: [{ method: ['GET'] }] } });
    expect(await ask('GET', '/api/stock/tea')).toMatchObject({ servedBy: 'inventory', body: { available: 10 } });
    expect((await ask('POST', '/api/stock/tea/receipts', { quantity: 1 })).servedBy).toBe('legacy-shop');

    await rules({ ...everythingLegacy, '/api/stock': { target: [{}] } });
    const received = await ask('POST', '/api/stock/tea/receipts', { quantity: 5 });
    expect(received).toMatchObject({ status: 201, servedBy: 'inventory' });
    const position = received.headers.get('annals-position') ?? '';
    expect(position).toMatch(/^\d+$/);
    const seen = await ask('GET', '/api/stock/tea', undefined, { 'annals-wait-for': position });
    expect(seen.body).toMatchObject({ available: 15 });
  });

  it('gives customers away by a header, then by shares, always the same ones', async () => {
    const order = {
      email: 'ann@example.org',
      cardNumber: '4242424242424242',
      lines: [{ sku: 'tea', quantity: 1, unitPrice: { amount: 450, currency: 'EUR' } }],
      shipTo: { name: 'Ann', street: 'Main street 1', postcode: '1010', city: 'Vienna', country: 'AT' },
    };
    await rules({ '/api/orders': { target: [{ header: { name: 'x-beta', value: 'yes' } }] } });
    const ann = await asCustomer('ann');
    const placed = await ask('POST', '/api/orders', order, { ...ann, 'x-beta': 'yes' });
    expect(placed).toMatchObject({ status: 201, servedBy: 'orders' });
    expect((await ask('GET', '/api/orders/none', undefined, ann)).servedBy).toBe('legacy-shop');

    const customers = await Promise.all(Array.from({ length: 40 }, (_, i) => asCustomer(`customer-${i}`)));
    const sides = async () =>
      Promise.all(
        customers.map(async (customer) => (await ask('GET', '/api/orders/none', undefined, customer)).servedBy),
      );
    await rules({ '/api/orders': { target: [{ percentage: 30 }] } });
    const at30 = await sides();
    expect(await sides()).toEqual(at30);
    const moved = at30.filter((side) => side === 'orders').length;
    expect(moved).toBeGreaterThan(2);
    expect(moved).toBeLessThan(25);
    await rules({ '/api/orders': { target: [{ percentage: 70 }] } });
    for (const [i, side] of (await sides()).entries()) if (at30[i] === 'orders') expect(side).toBe('orders');
    await rules({ '/api/orders': { target: [{ percentage: 100 }] } });
    expect(new Set(await sides())).toEqual(new Set(['orders']));
  });

  it('is kept by rules that can be read: others change nothing, and say what is wrong', async () => {
    await write({ '/api/orders': { target: [{ percent: 10 }] }, '/api/nothing': { target: [] } });
    const refused = await ask('POST', '/admin/strangler/reload');
    expect(refused).toMatchObject({ status: 422, body: { code: 'GATEWAY_INVALID_RULES' } });
    expect(refused.body['problems']).toEqual([
      expect.stringContaining("'percent' is not known"),
      expect.stringContaining('/api/nothing is no route with a legacy side'),
    ]);
    expect((await ask('GET', '/api/orders/none')).servedBy).toBe('orders');
  });
});

async function context(name: string): Promise<AppProcess> {
  const port = await freePort();
  const environment = {
    EVENTSTORE_URL: eventStore.url,
    DATABASE_URL: (await testPostgres()).url,
    MESSAGING_TRANSPORT: 'eventstore',
    PORT: String(port),
  };
  return new AppProcess(name, environment, port);
}

async function startLegacyShop(): Promise<string> {
  const port = await freePort();
  const child = spawn(process.execPath, [resolve('examples/legacy-shop/legacy-shop.mjs')], {
    env: { ...process.env, NODE_OPTIONS: '', DATABASE_URL: (await testPostgres()).url, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  legacy = child;
  if (child.stdout) await once(createInterface(child.stdout), 'line');
  return `http://127.0.0.1:${port}`;
}

/** As an operator, unless the headers say who asks. */
async function ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(`${gateway.url}${path}`, {
    method,
    headers: { ...(await asOperator()), ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return {
    status: response.status,
    headers: response.headers,
    servedBy: response.headers.get('x-served-by'),
    body: (await response.json()) as Record<string, unknown>,
  };
}

/** Puts stock into the new inventory, beside the gateway, and waits until its read model has it. */
async function receive(sku: string, quantity: number): Promise<void> {
  const authorised = await asOperator();
  const response = await fetch(`${inventory.url}/stock/${sku}/receipts`, {
    method: 'POST',
    headers: { ...authorised, 'content-type': 'application/json' },
    body: JSON.stringify({ quantity }),
  });
  expect(response.status).toBe(201);
  const position = response.headers.get('annals-position') ?? '';
  await fetch(`${inventory.url}/stock/${sku}`, { headers: { ...authorised, 'annals-wait-for': position } });
}

/** Replaces the file as a whole, as people and deployments do. */
async function write(document: unknown): Promise<void> {
  const draft = join(folder, 'rules.draft');
  await writeFile(draft, JSON.stringify(document));
  await rename(draft, join(folder, 'rules.json'));
}

/** New rules, without a restart: waits until the gateway goes by them. */
async function rules(
  document: Record<string, { readonly target: unknown; readonly shadow?: boolean; readonly ignore?: string[] }>,
): Promise<void> {
  await write(document);
  const wanted = Object.fromEntries(
    Object.entries(document).map(([path, rule]) => [path, { shadow: false, ignore: [], ...rule }]),
  );
  await eventually(async () => {
    expect((await ask('GET', '/admin/strangler')).body['rules']).toEqual(wanted);
  });
}

const shadows = async (): Promise<Record<string, unknown>> => {
  const { body } = await ask('GET', '/admin/strangler');
  return (body['shadows'] as Record<string, Record<string, unknown>>)['/api/stock'] ?? {};
};

const shadowsShow = (counters: Record<string, number>) =>
  eventually(async () => {
    expect(await shadows()).toMatchObject(counters);
  });
