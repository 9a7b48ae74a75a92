/** The same events, folded in every way there is, give the same rows (G4). Longer with ANNALS_TEST_RUNS. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { freePort, startPostgres, type RunningPart } from '@annals/embedded';
import type { RecordedEvent } from '@annals/event-store';
import { eventually } from '@annals/testing';
import fc from 'fast-check';
import {
  LineAdded,
  OrderCancelled,
  OrderForgotten,
  orderSummary,
  OrderPlaced,
  Shop,
  type Instance,
  type OrderEvent,
} from '../test/shop.js';
import { foldInMemory, foldInPostgres } from './index.js';

const orderId = fc.constantFrom('1', '2', '3', '4', '5');
const line = fc.record({ sku: fc.constantFrom('a', 'b'), qty: fc.nat({ max: 9 }) });
const anyEvent: fc.Arbitrary<OrderEvent> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc
      .record({ orderId, customerId: fc.string(), lines: fc.array(line, { maxLength: 2 }) })
      .map((data) => new OrderPlaced(data)),
  },
  { weight: 4, arbitrary: fc.record({ orderId, line }).map((data) => new LineAdded(data)) },
  { weight: 1, arbitrary: orderId.map((id) => new OrderCancelled({ orderId: id, reason: '' })) },
  { weight: 1, arbitrary: orderId.map((id) => new OrderForgotten({ orderId: id })) },
);
const withoutNul = anyEvent.filter((event) => !JSON.stringify(event).includes('\\u0000'));

const plain = (rows: object[]) => rows.map((row) => ({ ...row }));
const stored = async ({ orders }: Instance) => plain(await orders.find({ order: { orderId: 'asc' } }));

describe('the rows of random events', () => {
  let shop: Shop;
  /** As the store recorded them. */
  let recorded: RecordedEvent<OrderEvent>[] = [];
  beforeAll(async () => {
    shop = await Shop.open();
  });
  afterEach(() => shop.stopInstances());
  afterAll(() => shop.close());

  async function appendAll(events: readonly OrderEvent[]): Promise<bigint> {
    const head = await shop.append(...events);
    const streams = await Promise.all(
      ['1', '2', '3', '4', '5'].map((id) => shop.store.streams.readToEnd<OrderEvent>(`order-${id}`)),
    );
    recorded = streams.flat().sort((one, other) => (one.at.position < other.at.position ? -1 : 1));
    return head;
  }

  it('are the same folded in memory, one by one in Postgres, live, rebuilt, and rebuilt with interruptions', async () => {
    const live = await shop.instance();
    await fc.assert(
      fc.asyncProperty(fc.array(withoutNul, { minLength: 1, maxLength: 300 }), async (events) => {
        const head = await appendAll(events);
        const inMemory = plain(await foldInMemory(orderSummary, recorded));
        expect(await live.projections.waitForAll(head)).toBe(true);
        expect(await stored(live)).toEqual(inMemory);
        expect(plain(await foldInPostgres(live.database, orderSummary, recorded, 7))).toEqual(inMemory);
        await live.projections.rebuild('order-summary');
        expect(await stored(live)).toEqual(inMemory);
        await rebuildWithCrashes(shop, live);
        expect(await stored(live)).toEqual(inMemory);
        expect(await live.projections.verify('order-summary')).toMatchObject({ drifted: 0 });
      }),
      { numRuns: Number(process.env['ANNALS_TEST_RUNS'] ?? 3), endOnFailure: true },
    );
  }, 600_000);
});

/** Stops whoever rebuilds about every 100 events; the next one goes on. */
async function rebuildWithCrashes(shop: Shop, { projections }: Instance): Promise<void> {
  const [before] = await projections.status();
  for (let crashAt = 100; crashAt < (before?.events ?? 0); crashAt += 100) {
    const builder = await shop.instance({ started: false });
    const crash = new Promise<void>((crashed) => {
      const onProgress = ({ done }: { done: number }) => done >= crashAt && crashed();
      builder.projections.rebuild('order-summary', { onProgress, throttle: 2_000 }).then(
        () => crashed(),
        () => crashed(),
      );
    });
    await crash;
    await builder.stop();
  }
  await projections.rebuild('order-summary');
}

describe('Postgres killed and started again under load', () => {
  let shop: Shop;
  let postgres: RunningPart;
  const folder = mkdtempSync(join(tmpdir(), 'annals-projections-'));
  afterAll(async () => {
    await shop.close();
    await postgres.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('costs and repeats no event, neither live nor in a rebuild', async () => {
    const port = await freePort();
    const start = () => startPostgres({ port, dataDir: join(folder, 'data') });
    postgres = await start();
    shop = await Shop.open(`${postgres.url}/orders`);
    const instance = await shop.instance();
    await instance.projections.waitForAll(await shop.place('1'));
    const rounds = 40;
    const rebuilt = instance.projections.rebuild('order-summary', { throttle: 10 });
    for (let round = 1; round <= rounds; round++) {
      await shop.append(new LineAdded({ orderId: '1', line: { sku: 'x', qty: round } }));
      if (round % 15 !== 0) continue;
      process.kill(postgres.pid, 'SIGKILL');
      await postgres.exited;
      postgres = await start();
    }
    await rebuilt;
    const head = await shop.place('2');
    expect(await instance.projections.waitForAll(head, { timeoutMs: 20_000 })).toBe(true);
    const order = await instance.orders.findOneByOrFail({ orderId: '1' });
    expect(order.lines.slice(1).map(({ qty }) => qty)).toEqual(Array.from({ length: rounds }, (_, index) => index + 1));
    await eventually(async () =>
      expect(await instance.projections.status()).toMatchObject([{ state: 'live', build: 2 }]),
    );
  }, 120_000);
});
