/** What the specs of this package fold: orders, and real parts to fold them in. */
import { randomUUID } from 'node:crypto';
import { Event, type Log } from '@annals/core';
import { EventStore, type EventToAppend } from '@annals/event-store';
import { testEventStore, testPostgres, type TestEventStore } from '@annals/testing';
import { Column, Entity, Index, PrimaryColumn, type Repository } from 'typeorm';
import { connectReadDatabase, Projections, readModel, type AnyReadModel, type ReadDatabase } from '../src/index.js';

export interface Line {
  readonly sku: string;
  readonly qty: number;
}
export class OrderPlaced extends Event('OrderPlaced')<{ orderId: string; customerId: string; lines: Line[] }> {}
export class LineAdded extends Event('LineAdded')<{ orderId: string; line: Line }> {}
export class OrderCancelled extends Event('OrderCancelled')<{ orderId: string; reason: string }> {}
export class OrderForgotten extends Event('OrderForgotten')<{ orderId: string }> {}
export type OrderEvent = OrderPlaced | LineAdded | OrderCancelled | OrderForgotten;

@Entity('order_summary')
@Index(['customerId', 'placedAt'])
export class OrderSummary {
  @PrimaryColumn('text')
  orderId!: string;

  @Column('text')
  customerId!: string;

  @Column({ type: 'enum', enum: ['placed', 'cancelled'] })
  status!: 'placed' | 'cancelled';

  @Column('jsonb')
  lines!: Line[];

  @Column('int')
  changes!: number;

  @Column('numeric', { precision: 12, scale: 2 })
  total!: string;

  @Column('timestamptz')
  placedAt!: Date;
}

const totalOf = (lines: readonly Line[]) => lines.reduce((sum, { qty }) => sum + qty * 10, 0).toFixed(2);

export const orderSummary = readModel<OrderSummary, OrderEvent>(OrderSummary, {
  name: 'order-summary',
  version: 1,
  key: ({ data }) => data.orderId,
  on: {
    OrderPlaced: (_, { data }, at) => ({
      ...data,
      status: 'placed',
      changes: 1,
      total: totalOf(data.lines),
      placedAt: at.created,
    }),
    LineAdded: (row, { data }) =>
      row && {
        ...row,
        lines: [...row.lines, data.line],
        total: totalOf([...row.lines, data.line]),
        changes: row.changes + 1,
      },
    OrderCancelled: (row) => row && { ...row, status: 'cancelled', changes: row.changes + 1 },
    OrderForgotten: () => null,
  },
});

export interface Instance {
  readonly projections: Projections;
  readonly database: ReadDatabase;
  readonly store: EventStore;
  readonly orders: Repository<OrderSummary>;
  readonly said: string[];
  stop(): Promise<void>;
}

export interface InstanceOptions {
  readonly readModels?: readonly AnyReadModel[];
  /** Default true. */
  readonly started?: boolean;
  readonly databaseUrl?: string;
}

/** An event store and a database, and any number of instances of an app on them. */
export class Shop {
  private readonly instances = new Set<Instance>();

  private constructor(
    readonly events: TestEventStore,
    readonly store: EventStore,
    public databaseUrl: string,
  ) {}

  /** @param databaseUrl default: a new database of the test bed */
  static async open(databaseUrl?: string): Promise<Shop> {
    const events = await testEventStore();
    const url = databaseUrl ?? (await testPostgres()).url;
    return new Shop(events, new EventStore({ url: events.url }), url);
  }

  async instance({
    readModels = [orderSummary],
    started = true,
    databaseUrl,
  }: InstanceOptions = {}): Promise<Instance> {
    const url = databaseUrl ?? this.databaseUrl;
    const database = await connectReadDatabase({ url, context: 'orders', readModels });
    const store = new EventStore({ url: this.events.url });
    const said: string[] = [];
    const hear = (message: string) => said.push(message);
    const log: Log = { info: hear, warn: hear, error: hear };
    const feed = store.feed(['order-']);
    const projections = new Projections({ database, context: 'orders', feed, store, readModels, log });
    const stop = async () => {
      this.instances.delete(instance);
      await projections.stop();
      await store.close();
      await database.close();
    };
    const orders = database.queries.getRepository(OrderSummary);
    const instance: Instance = { projections, database, store, orders, said, stop };
    this.instances.add(instance);
    if (started) await projections.start();
    return instance;
  }

  /** For the instances from now on: an empty one. */
  async useNewDatabase(): Promise<void> {
    this.databaseUrl = (await testPostgres()).url;
  }

  /** @returns the position of the last of them */
  async append(...events: readonly OrderEvent[]): Promise<bigint> {
    let position = -1n;
    for (const event of events) {
      const toAppend: EventToAppend = { id: randomUUID(), event, metadata: {} };
      position = (await this.store.streams.append(`order-${event.data.orderId}`, [toAppend], 'any')).position;
    }
    return position;
  }

  place(orderId: string, customerId = 'ann', qty = 1): Promise<bigint> {
    return this.append(new OrderPlaced({ orderId, customerId, lines: [{ sku: 'a', qty }] }));
  }

  async stopInstances(): Promise<void> {
    await Promise.all([...this.instances].map((instance) => instance.stop()));
  }

  async close(): Promise<void> {
    await this.stopInstances();
    await this.store.close();
    await this.events.close();
  }
}
