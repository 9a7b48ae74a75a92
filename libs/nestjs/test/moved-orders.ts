/** The module of docs/guides/moving-from-nestjs-cqrs.md after the move; the guide's code is this code (a spec compares). */
import { aggregate, BoundedContextModule, EventSourcedRepository, InjectAggregate, reactor } from '@annals/nestjs';
import { Injectable, Module } from '@nestjs/common';
import {
  AggregateRoot,
  Command,
  CommandHandler,
  EventsHandler,
  type ICommandHandler,
  type IEventHandler,
} from '@nestjs/cqrs';

// The events, the aggregate and the command: as they were.
export class OrderPlacedEvent {
  constructor(
    readonly orderId: string,
    readonly total: number,
  ) {}
}
export class OrderShippedEvent {
  constructor(readonly orderId: string) {}
}

export class Order extends AggregateRoot {
  private status: 'new' | 'placed' | 'shipped' = 'new';

  constructor(private readonly id: string) {
    super();
  }

  place(total: number): void {
    if (this.status === 'new') this.apply(new OrderPlacedEvent(this.id, total));
  }

  ship(): void {
    if (this.status !== 'placed') throw new Error(`Order ${this.id} is ${this.status}.`);
    this.apply(new OrderShippedEvent(this.id));
  }

  onOrderPlacedEvent(): void {
    this.status = 'placed';
  }

  onOrderShippedEvent(): void {
    this.status = 'shipped';
  }
}

export class ShipOrder extends Command<void> {
  constructor(readonly orderId: string) {
    super();
  }
}

// The handler: another repository, and `commit()` is awaited.
@CommandHandler(ShipOrder)
export class ShipOrderHandler implements ICommandHandler<ShipOrder> {
  constructor(@InjectAggregate(Order) private readonly orders: EventSourcedRepository<Order>) {}

  async execute({ orderId }: ShipOrder): Promise<void> {
    const order = await this.orders.get(orderId);
    order.ship();
    await order.commit();
  }
}

/** Stands for work that must not be lost. */
@Injectable()
export class Outbox {
  readonly sent: string[] = [];
  failures = 0;

  send(orderId: string): void {
    if (this.failures-- > 0) throw new Error('The mail server is away.');
    this.sent.push(orderId);
  }
}

// The event handler: as it was. The map makes it durable.
@EventsHandler(OrderShippedEvent)
export class SendShippingMail implements IEventHandler<OrderShippedEvent> {
  constructor(private readonly outbox: Outbox) {}

  handle({ orderId }: OrderShippedEvent): void {
    this.outbox.send(orderId);
  }
}

/** Not durable: called in this process, after the commit. */
@EventsHandler(OrderPlacedEvent)
export class CountOrders implements IEventHandler<OrderPlacedEvent> {
  count = 0;

  handle(): void {
    this.count++;
  }
}

// The module: a map instead of CqrsModule and the old repository.
@Module({
  imports: [
    BoundedContextModule.register({
      name: 'moved-orders',
      deciders: [],
      aggregates: [
        aggregate(Order, {
          category: 'order',
          events: { OrderPlaced: OrderPlacedEvent, OrderShipped: OrderShippedEvent },
        }),
      ],
      reactors: [
        reactor({
          name: 'shipping-mail',
          on: SendShippingMail,
          retry: { attempts: 2, backoff: { firstMs: 5, maxMs: 10 } },
        }),
      ],
    }),
  ],
  providers: [ShipOrderHandler, SendShippingMail, CountOrders, Outbox],
})
export class OrdersModule {}
