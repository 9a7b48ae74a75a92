/** One run of the shop under the faults of a plan, up to the moment when it is quiet again and everything is right. */
import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '@annals/testing';
import { Shop } from '../shop/shop.js';
import { violations } from './checker.js';
import { FaultyParts } from './faulty-parts.js';
import { MessageDuplicator } from './message-duplicator.js';
import { describeFault, type Fault, type Plan, type PlannedOrder } from './plan.js';

export interface FaultRunOptions {
  readonly transport: 'nats' | 'eventstore';
  /** How long a part cannot be reached, in ms. */
  readonly cutMs: number;
  readonly say: (line: string) => void;
}

/** Scarce goods are enough for a part of the orders only. */
const stock = (plan: Plan) => ({ plenty: plan.orders.length * 3, scarce: Math.ceil(plan.orders.length / 4) });
/** What takes longer than this for an order to be taken is a fault of ours. */
const acceptedWithinMs = 120_000;
const quietWithinMs = 240_000;
const hour = 3_600_000;

export class FaultRun {
  private readonly placing: Promise<string>[] = [];

  private constructor(
    private readonly shop: Shop,
    private readonly parts: FaultyParts,
    private readonly duplicator: MessageDuplicator | undefined,
    private readonly options: FaultRunOptions,
  ) {}

  static async start(options: FaultRunOptions): Promise<FaultRun> {
    const parts = await FaultyParts.start();
    const clock = pathToFileURL(resolve('test/faults/shifted-clock.mjs')).href;
    const shop = await Shop.start(options.transport, { NODE_OPTIONS: `--import=${clock}` }, parts);
    const duplicator = options.transport === 'nats' ? await MessageDuplicator.start(parts.directNatsUrl, 5) : undefined;
    return new FaultRun(shop, parts, duplicator, options);
  }

  /** @throws NotWithin with what is still wrong when the shop does not come to rest */
  async play(plan: Plan): Promise<void> {
    for (const [sku, quantity] of Object.entries(stock(plan))) await this.shop.receiveStock(sku, quantity);
    const share = Math.ceil(plan.orders.length / plan.faults.length);
    for (const [index, fault] of plan.faults.entries()) {
      this.placeAll(plan.orders.slice(index * share, (index + 1) * share));
      this.options.say(describeFault(fault));
      await this.inflict(fault);
    }
    const placed = await Promise.all(this.placing);
    await this.letHoursPass(plan.hoursLater);
    await this.comesToRest(placed);
  }

  async stop(): Promise<void> {
    await this.duplicator?.stop();
    await this.shop.stop();
  }

  /** Asks as a client does that wants its order: with the same key, until it has an answer. */
  private placeAll(orders: readonly PlannedOrder[]): void {
    for (const order of orders) {
      const key = randomUUID();
      const placed = eventually(() => this.shop.placeOrder({ ...order, key }), {
        within: acceptedWithinMs,
        every: 200,
      });
      // Awaited at the end; a failure before that is none that nobody handles.
      placed.catch(() => undefined);
      this.placing.push(placed);
    }
  }

  private async inflict(fault: Fault): Promise<void> {
    switch (fault.kind) {
      case 'kill':
        await this.shop.apps[fault.app].end('SIGKILL');
        return this.shop.apps[fault.app].start();
      case 'restart':
        return this.parts.restart(fault.part);
      case 'cut':
        this.parts.cut(fault.part);
        await delay(this.options.cutMs); // the outage itself
        this.parts.mend(fault.part);
        return;
      case 'carrier':
        return this.shop.simulateCarrier({ failing: fault.failing });
    }
  }

  /** Everybody is down for hours; then come the copies that were held back. */
  private async letHoursPass(hours: number): Promise<void> {
    const { apps, carrier } = this.shop;
    await Promise.all([carrier, ...Object.values(apps)].map((process) => process.end('SIGKILL')));
    for (const process of [carrier, ...Object.values(apps)]) {
      process.changeEnvironment({ CLOCK_SHIFT_MS: String(hours * hour) });
      await process.start();
    }
    const late = await this.duplicator?.publishHeldBack();
    if (late !== undefined) this.options.say(`${late} copies arrive ${hours} h late`);
  }

  private async comesToRest(placed: readonly string[]): Promise<void> {
    await eventually(
      async () => {
        const wrong = violations(await this.shop.everything(), placed);
        if (wrong.length > 0) throw new Error(`${wrong.length} violations:\n${wrong.slice(0, 20).join('\n')}`);
      },
      { within: quietWithinMs, every: 500 },
    );
    this.options.say(`${placed.length} orders, ${this.duplicator?.published ?? 0} messages twice: everything is right`);
  }
}
