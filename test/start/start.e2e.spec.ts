import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '@annals/testing';
import { createServer, type AddressInfo } from 'node:net';
import { Place } from './annals-command.js';

let place: Place;
beforeEach(() => {
  place = new Place();
});
afterEach(() => place.leave(), 40_000);

interface JourneyJson {
  readonly orderId: string;
  readonly stages: readonly { readonly name: string }[];
  readonly order: { readonly status: string };
}
const stages = [
  'placed',
  'stock reserved',
  'payment taken',
  'shipment arranged',
  'confirmed',
  'dispatched',
  'delivered',
];

describe('annals start', () => {
  it('takes an order on its whole journey, and many at once on the data of that run, and leaves nothing behind', async () => {
    const first = await place.run(['start', '--once', '--json']).ended;
    expect(first).toMatchObject({ code: 0, stderr: expect.stringContaining('A sample order') as unknown });
    const journey = JSON.parse(first.stdout) as JourneyJson;
    expect(journey.stages.map(({ name }) => name)).toEqual(stages);
    expect(journey.order.status).toBe('confirmed');
    expect(place.processes()).toEqual([]);

    const flags = ['--orders', '30', '--decline', '20%', '--carrier-flaky', '--once'];
    const { code, stdout, stderr } = await place.run(['start', ...flags]).ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/30 of 30 orders: 24 fulfilled, 6 compensated/);
    expect(stdout).toMatch(/outcome +orders +p50 ms +p95 ms\nfulfilled +24 +\d+ +\d+\n/);
    expect(stdout).toMatch(/compensated: payments\.payment-declined\.v1 +6 +\d+ +\d+\nall +30/);
    expect(place.processes()).toEqual([]);
  }, 240_000);

  it('stays up, heals, and ends at Ctrl-C; projections are rebuilt meanwhile', async () => {
    const shop = place.run(['start']);
    await shop.says(/Everything is up/);
    const orderUrl = /(http:\S+\/orders\/\S+)/.exec(shop.stdout())?.[1] ?? '';
    const authorization = `Bearer ${/TOKEN=(\S+)/.exec(shop.stdout())?.[1]}`;
    const parts = {
      EVENTSTORE_URL: /(esdb:\/\/\S+)/.exec(shop.stdout())?.[1],
      DATABASE_URL: /(postgres:\/\/\S+)/.exec(shop.stdout())?.[1],
    };

    await eventually(() => expect(place.mails()).toEqual(['confirmed', 'on its way']), { within: 10_000 });

    const rebuilt = await place.run(['projections', 'rebuild', 'order-summary', '--json'], parts).ended;
    expect(rebuilt).toMatchObject({ code: 0 });
    expect(JSON.parse(rebuilt.stdout)).toMatchObject({ name: 'order-summary', context: 'orders', parkedScopes: 0 });
    const verified = await place.run(['projections', 'verify', 'order-summary'], parts).ended;
    expect(verified).toMatchObject({ code: 0, stdout: expect.stringContaining('all 1 rows') as unknown });
    const unknown = await place.run(['projections', 'rebuild', 'order-sumary'], parts).ended;
    expect(unknown).toMatchObject({ code: 1, stderr: expect.stringContaining('order-summary') as unknown });

    const app = place.processes().find(({ command }) => command.includes('dist/apps/orders/'));
    process.kill(app?.pid ?? NaN, 'SIGKILL');
    await shop.says(/orders ended with signal SIGKILL/);
    await shop.says(/orders is back/);
    await eventually(async () => expect((await fetch(orderUrl, { headers: { authorization } })).status).toBe(200));
    expect((await fetch(orderUrl)).status).toBe(401);

    shop.kill('SIGINT');
    shop.kill('SIGINT'); // as npm forwards what the terminal has sent already: still one request
    expect(await shop.ended).toMatchObject({ code: 0, stderr: '' });
    expect(place.processes()).toEqual([]);
  }, 240_000);

  it('leaves nothing behind when it is killed', async () => {
    const shop = place.run(['start']);
    await shop.says(/Everything is up/);
    shop.kill('SIGKILL');
    await shop.ended;
    await eventually(() => expect(place.processes()).toEqual([]), { within: 30_000 });
  }, 240_000);

  it('stops in the middle of starting', async () => {
    const shop = place.run(['start']);
    await shop.says(/Postgres +postgres:/);
    shop.kill('SIGTERM');
    expect(await shop.ended).toMatchObject({
      code: 143,
      stderr: expect.stringContaining('CLI_INTERRUPTED') as unknown,
    });
    await eventually(() => expect(place.processes()).toEqual([]), { within: 15_000 });
  }, 240_000);

  it("names an app's port that is taken and its variable, before it starts anything", async () => {
    const squatter = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => squatter.once('listening', resolve));
    const { port } = squatter.address() as AddressInfo;
    try {
      const { code, stderr } = await place.run(['start', '--once'], { INVENTORY_PORT: String(port) }).ended;
      expect(code).toBe(1);
      expect(stderr).toContain(`inventory cannot listen on port ${port}`);
      expect(stderr).toContain('INVENTORY_PORT=<port>');
      expect(place.processes()).toEqual([]);
    } finally {
      squatter.close();
    }
  }, 60_000);

  it('tells why an app does not get ready, and ends', async () => {
    const { code, stderr } = await place.run(['start', '--once'], { NATS_URL: 'not-a-url' }).ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /(orders|inventory|payments|shipping|notifications) did not get ready: it ended with exit code 1\./,
    );
    expect(stderr).toContain('NATS_URL must be a URL such as nats://127.0.0.1:4222');
    expect(place.processes()).toEqual([]);
  }, 120_000);
});
