/** The engine on a real event store and a real Postgres, with deciders on the other end of its commands. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Command, decider, DomainError, Event, type AnyDecider, type DomainCommand } from '@annals/core';
import { EventStore, type EventFeed } from '@annals/event-store';
import { PostgresCheckpoints } from '@annals/projections';
import { eventually, testEventStore, testPostgres, type TestEventStore } from '@annals/testing';
import { ofType } from '@nestjs/cqrs';
import { map, switchMap, type Observable } from 'rxjs';
import pg from 'pg';
import { Power } from '../test/power.js';
import { deadline } from './deadline.js';
import type { Duration } from './duration.js';
import { PostgresDeadlineStore } from './postgres-deadline-store.js';
import { PostgresInstanceIndex } from './postgres-instance-index.js';
import { sagaDefinition, type SagaDefinition } from './saga-definition.js';
import { SagaEngine, sagaFeedPrefixes } from './saga-engine.js';
import { SagaDeadlineSet, SagaInputReceived, sagaStream, type SagaFact } from './saga-events.js';
import { steps } from './steps.js';

interface Order {
  orderId: string;
}
class Placed extends Event('OrderPlaced')<Order> {}
class Confirmed extends Event('OrderConfirmed')<Order> {}
class Cancelled extends Event('OrderCancelled')<Order> {}
class Reminded extends Event('CustomerReminded')<Order> {}
class Reserved extends Event('StockReserved')<Order> {}
class Released extends Event('StockReleased')<Order> {}
class Taken extends Event('PaymentTaken')<Order> {}

class Place extends Command('PlaceOrder')<Order> {}
class Confirm extends Command('ConfirmOrder')<Order> {}
class Cancel extends Command('CancelOrder')<Order> {}
class Remind extends Command('RemindCustomer')<Order> {}
class Reserve extends Command('ReserveStock')<Order> {}
class Release extends Command('ReleaseStock')<Order> {}
class Take extends Command('TakePayment')<Order> {}

class Broke extends DomainError {
  readonly code = 'PAYMENT_BROKE';
}

type OrderEvent = Placed | Confirmed | Cancelled | Reminded;
const byOrder = { idOf: ({ data }: { data: Order }) => data.orderId };
const stateless = () => null;
const order = decider<null, Place | Confirm | Cancel | Remind, OrderEvent>({
  category: 'order',
  initial: null,
  decide: {
    PlaceOrder: (_, { data }) => [new Placed(data)],
    ConfirmOrder: (_, { data }) => [new Confirmed(data)],
    CancelOrder: (_, { data }) => [new Cancelled(data)],
    RemindCustomer: (_, { data }) => [new Reminded(data)],
  },
  evolve: { OrderPlaced: stateless, OrderConfirmed: stateless, OrderCancelled: stateless, CustomerReminded: stateless },
});
const stock = decider<null, Reserve | Release, Reserved | Released>({
  category: 'stock',
  initial: null,
  ...byOrder,
  decide: { ReserveStock: (_, { data }) => [new Reserved(data)], ReleaseStock: (_, { data }) => [new Released(data)] },
  evolve: { StockReserved: stateless, StockReleased: stateless },
});
const payment = decider<null, Take, Taken>({
  category: 'payment',
  initial: null,
  ...byOrder,
  decide: {
    TakePayment: (_, { data }) => {
      if (data.orderId.endsWith('broke')) throw new Broke('No money left.');
      return [new Taken(data)];
    },
  },
  evolve: { PaymentTaken: stateless },
});
const deciders = [order, stock, payment] as readonly AnyDecider[];

const fulfilment = sagaDefinition(
  { name: 'fulfilment', correlateBy: ({ data }) => data['orderId'] },
  steps(Placed)
    .step('reserve', {
      send: ({ data }) => new Reserve(data),
      done: Reserved,
      undo: ({ data }) => new Release(data),
      within: 'PT30S',
    })
    .step('pay', { send: ({ data }) => new Take(data), done: Taken, within: 'PT2M' })
    .completed(({ data }) => new Confirm(data))
    .compensated(({ data }) => new Cancel(data)),
);

const reminder = sagaDefinition(
  { name: 'reminder', correlateBy: ({ data }) => data['orderId'], on: [Placed] },
  (events$: Observable<OrderEvent>) =>
    events$.pipe(
      ofType(Placed),
      switchMap(({ data }) => deadline(data.orderId as Duration).pipe(map(() => new Remind(data)))),
    ),
);

let server: TestEventStore;
let databaseUrl: string;

beforeEach(async () => {
  server = await testEventStore();
  databaseUrl = (await testPostgres()).url;
}, 60_000);
afterEach(() => server.close());

/** One context in a process of its own, as far as connections go. */
class Context {
  readonly store = new EventStore({ url: server.url });
  readonly pool: pg.Pool;
  readonly engine: SagaEngine;

  constructor(
    sagas: readonly SagaDefinition[],
    private readonly power = new Power(),
  ) {
    this.pool = new pg.Pool({ connectionString: databaseUrl, max: 4 });
    this.engine = new SagaEngine({
      store: { streams: this.supply(this.store.streams) },
      feed: this.feed(['order-', 'stock-', 'payment-']),
      sagaFeed: this.feed(sagaFeedPrefixes(sagas)),
      sagas,
      checkpoints: this.supply(new PostgresCheckpoints({ pool: this.pool })),
      deadlines: this.supply(new PostgresDeadlineStore(this.pool)),
      index: this.supply(new PostgresInstanceIndex(this.pool)),
      dispatch: (command) => power.operate(() => this.execute(command)),
    });
  }

  execute(command: DomainCommand): Promise<unknown> {
    const owner = deciders.find(({ commandTypes }) => commandTypes.includes(command.type));
    if (!owner) throw new Error(`Nobody decides ${command.type}.`);
    return this.store.execute(owner, command);
  }

  async effects(orderId: string): Promise<string[]> {
    const events = await Promise.all(
      ['order', 'stock', 'payment'].map((category) => this.store.streams.readToEnd(`${category}-${orderId}`)),
    );
    return events.flat().map(({ event }) => event.type);
  }

  /** With its power off nothing is finished and nothing saved, as when a process is killed. */
  async close(): Promise<void> {
    await this.engine.stop();
    await this.store.close();
    await this.pool.end();
  }

  private supply<Port extends object>(port: Port): Port {
    return this.power.supply(port);
  }

  private feed(prefixes: string[]): Pick<EventFeed, 'run'> {
    return this.store.feed(prefixes);
  }
}

/** By how much a deadline was fired after its time; null: it has not been, or its command is under way. */
async function latenessMs({ store }: Context, orderId: string): Promise<number | null> {
  const facts = (await store.streams.readToEnd(sagaStream('reminder', orderId))).map(({ event }) => event as SagaFact);
  const set = facts.find((fact) => fact instanceof SagaDeadlineSet);
  const fired = facts.find((fact) => fact instanceof SagaInputReceived && fact.data.source === 'deadline');
  const reminded = (await store.streams.readToEnd(`order-${orderId}`)).length === 2;
  if (!set || !fired || !reminded) return null;
  return Date.parse((fired as SagaInputReceived).data.receivedAt) - Date.parse(set.data.due);
}

const happy = ['OrderPlaced', 'OrderConfirmed', 'StockReserved', 'PaymentTaken'];
const compensated = ['OrderPlaced', 'OrderCancelled', 'StockReserved', 'StockReleased'];
const expectedOf = (orderId: string) => (orderId.endsWith('broke') ? compensated : happy);

describe('sagas on real parts', () => {
  it('take many orders through their journeys at once', async () => {
    const context = new Context([fulfilment]);
    await context.engine.start();
    const ids = Array.from({ length: 24 }, (_, index) => `many${index}${index % 4 === 0 ? 'broke' : ''}`);
    await Promise.all(ids.map((orderId) => context.execute(new Place({ orderId }))));
    await eventually(
      async () => (await context.engine.instances.list({ states: ['completed', 'compensated'] })).length === ids.length,
      { within: 50_000 },
    );
    for (const orderId of ids) expect(await context.effects(orderId)).toEqual(expectedOf(orderId));
    expect(await context.engine.instances.list({ states: ['running', 'stuck', 'failing'] })).toEqual([]);
    expect(context.engine.status.consumers.map(({ state }) => state)).toEqual(['live', 'live', 'live', 'live']);
    await context.close();
  }, 60_000);

  it('fire deadlines within a second of their time, after a restart too', async () => {
    const first = new Context([reminder]);
    await first.engine.start();
    const ids = ['PT2S', 'PT3S', 'PT4S'];
    for (const orderId of ids) await first.execute(new Place({ orderId }));
    await eventually(async () => (await first.engine.instances.list()).every(({ deadline }) => deadline), {
      within: 20_000,
    });
    await first.close();
    const second = new Context([reminder]);
    await second.engine.start();
    const lateness = await Promise.all(ids.map((id) => eventually(() => latenessMs(second, id), { within: 30_000 })));
    for (const orderId of ids) expect(await second.effects(orderId)).toEqual(['OrderPlaced', 'CustomerReminded']);
    for (const late of lateness) expect(late).toBeGreaterThanOrEqual(0);
    // On a machine that others keep busy, one or the other may come late through no fault of the engine.
    expect(Math.min(...lateness)).toBeLessThan(1_000);
    await second.close();
  }, 60_000);

  it('lose and double nothing when a process dies, wherever it is', async () => {
    const orders = ['crash', 'crashbroke'];
    const seed = new Context([fulfilment]);
    const finished = async (context: Context) =>
      (await context.engine.instances.list({ states: ['completed', 'compensated'] })).length;
    for (let round = 1; round <= 12; round++) {
      const ids = orders.map((name) => `${round}${name}`);
      await Promise.all(ids.map((orderId) => seed.execute(new Place({ orderId }))));
      const power = new Power(round * 4, round % 2 === 0, 'fail');
      const dying = new Context([fulfilment], power);
      const starting = dying.engine.start();
      await eventually(() => power.isOff, { within: 50_000 });
      await Promise.all([dying.close(), starting]);
      const heir = new Context([fulfilment]);
      await heir.engine.start();
      await eventually(async () => (await finished(heir)) === orders.length * round, { within: 50_000 });
      for (const orderId of ids) expect(await heir.effects(orderId)).toEqual(expectedOf(orderId));
      await heir.close();
    }
    await seed.close();
  }, 120_000);
});
