/** The two styles of sagas, as the documentation shows them. */
import { describe, expect, it } from '@jest/globals';
import { Command, DomainError, Event } from '@annals/core';
import { Injectable } from '@nestjs/common';
import { ofType, type ICommand } from '@nestjs/cqrs';
import { map, switchMap, takeUntil, type Observable } from 'rxjs';
import { deadline, DurableSaga, durableSagasOf, steps } from './index.js';
import { SagaTrial } from './saga-trial.js';

class OrderPlaced extends Event('OrderPlaced')<{ orderId: string; total: number }> {}
class OrderPaid extends Event('OrderPaid')<{ orderId: string }> {}
class OrderCancelled extends Event('OrderCancelled')<{ orderId: string; reason: string }> {}
type OrderEvent = OrderPlaced | OrderPaid | OrderCancelled;
class StockReserved extends Event('inventory.stock-reserved.v1')<{ orderId: string; reservation: string }> {}
class StockRejected extends Event('inventory.stock-rejected.v1')<{ orderId: string }> {}
class PaymentTaken extends Event('payments.payment-taken.v1')<{ orderId: string; paymentId: string }> {}
class PaymentDeclined extends Event('payments.payment-declined.v1')<{ orderId: string }> {}
class ShipmentArranged extends Event('shipping.shipment-arranged.v1')<{ orderId: string }> {}
class ShipmentRefused extends Event('shipping.shipment-refused.v1')<{ orderId: string }> {}

class RemindCustomer extends Command('RemindCustomer')<{ orderId: string }> {}
class ReserveStock extends Command('ReserveStock')<{ orderId: string }> {}
class ReleaseStock extends Command('ReleaseStock')<{ reservation: string }> {}
class TakePayment extends Command('TakePayment')<{ orderId: string; amount: number }> {}
class RefundPayment extends Command('RefundPayment')<{ paymentId: string }> {}
class ArrangeShipment extends Command('ArrangeShipment')<{ orderId: string }> {}
class CancelShipment extends Command('CancelShipment')<{ orderId: string }> {}
class ConfirmOrder extends Command('ConfirmOrder')<{ orderId: string }> {}
class CancelOrder extends Command('CancelOrder')<{ orderId: string; reason: string }> {}

type Done<Step extends string, E> = Readonly<Record<Step, E>>;
const reserveStock = ({ data }: OrderPlaced) => new ReserveStock({ orderId: data.orderId });
const releaseStock = (_: OrderPlaced, done: Done<'reserve stock', StockReserved>) =>
  new ReleaseStock({ reservation: done['reserve stock'].data.reservation });
const takePayment = ({ data }: OrderPlaced) => new TakePayment({ orderId: data.orderId, amount: data.total });
const refundPayment = (_: OrderPlaced, done: Done<'take payment', PaymentTaken>) =>
  new RefundPayment({ paymentId: done['take payment'].data.paymentId });
const arrangeShipment = ({ data }: OrderPlaced) => new ArrangeShipment({ orderId: data.orderId });
const cancelShipment = ({ data }: OrderPlaced) => new CancelShipment({ orderId: data.orderId });
const confirmOrder = ({ data }: OrderPlaced) => new ConfirmOrder({ orderId: data.orderId });
const cancelOrder = ({ data }: OrderPlaced, { reason }: { reason: string }) =>
  new CancelOrder({ orderId: data.orderId, reason });

@Injectable()
class OrderSagas {
  @DurableSaga({ name: 'payment-reminder', correlateBy: ({ data }) => data.orderId })
  remind = (events$: Observable<OrderEvent>) =>
    events$.pipe(
      ofType(OrderPlaced),
      switchMap(({ data }) =>
        deadline('P1D').pipe(
          takeUntil(events$.pipe(ofType(OrderPaid, OrderCancelled))),
          map(() => new RemindCustomer({ orderId: data.orderId })),
        ),
      ),
    );

  @DurableSaga({ name: 'order-fulfilment', correlateBy: ({ data }) => data.orderId })
  fulfil = steps(OrderPlaced)
    .step('reserve stock', {
      send: reserveStock,
      done: StockReserved,
      failed: StockRejected,
      undo: releaseStock,
      within: 'PT30S',
    })
    .step('take payment', {
      send: takePayment,
      done: PaymentTaken,
      failed: PaymentDeclined,
      undo: refundPayment,
      within: 'PT2M',
    })
    .step('arrange shipment', {
      send: arrangeShipment,
      done: ShipmentArranged,
      failed: ShipmentRefused,
      undo: cancelShipment,
    })
    .completed(confirmOrder)
    .compensated(cancelOrder);

  private readonly prefix = 'by method: ';

  @DurableSaga({ name: 'method', version: 2, on: [OrderPaid], correlateBy: ({ data }: OrderEvent) => data.orderId })
  method(events$: Observable<OrderEvent>): Observable<ICommand & RemindCustomer> {
    return events$.pipe(
      ofType(OrderPaid),
      map(({ data }) => new RemindCustomer({ orderId: this.prefix + data.orderId })),
    );
  }
}

const [reminder, fulfilment, byMethod] = durableSagasOf(new OrderSagas()).map(
  (definition) => () => new SagaTrial(definition),
);
const order = { orderId: 'o-1' };
const placed = new OrderPlaced({ ...order, total: 42 });
const types = (saga: SagaTrial) => saga.commands.map(({ type }) => type);
const start = (make: typeof fulfilment) => {
  if (!make) throw new Error('not declared');
  return make();
};

class Rejected extends DomainError {
  readonly code = 'REFUSED';
}

describe('@DurableSaga', () => {
  it('takes properties and methods, with their options', () => {
    expect(durableSagasOf(new OrderSagas())).toMatchObject([
      { name: 'payment-reminder', version: 1, on: undefined, orchestrated: false },
      { name: 'order-fulfilment', version: 1, orchestrated: true, startedBy: new Set(['OrderPlaced']) },
      { name: 'method', version: 2, on: new Set(['OrderPaid']), orchestrated: false },
    ]);
    expect(durableSagasOf({})).toEqual([]);
  });

  it('gives methods their object', () => {
    const saga = start(byMethod);
    saga.receive(placed);
    saga.receive(new OrderPaid(order));
    expect(saga.commands.map(({ data }) => data)).toEqual([{ orderId: 'by method: o-1' }]);
  });

  it('runs the plain RxJS style', () => {
    const saga = start(reminder);
    saga.receive(placed);
    saga.advance('P1D');
    expect(types(saga)).toEqual(['RemindCustomer']);
  });

  it('runs the orchestrated style', () => {
    const saga = start(fulfilment);
    saga.receive(placed);
    saga.receive(new StockReserved({ ...order, reservation: 'r-1' }));
    saga.receive(new PaymentDeclined(order));
    expect(saga.commands.map(({ type, data }) => ({ type, data }))).toEqual([
      { type: 'ReserveStock', data: order },
      { type: 'TakePayment', data: { ...order, amount: 42 } },
      { type: 'ReleaseStock', data: { reservation: 'r-1' } },
      { type: 'CancelOrder', data: { ...order, reason: 'payments.payment-declined.v1' } },
    ]);
    expect(saga.outcome).toBe('compensated');
  });

  it('names by itself the events that its steps listen to', () => {
    const [, { on } = { on: undefined }] = durableSagasOf(new OrderSagas());
    expect([...(on ?? [])]).toEqual([
      'OrderPlaced',
      'inventory.stock-reserved.v1',
      'inventory.stock-rejected.v1',
      'payments.payment-taken.v1',
      'payments.payment-declined.v1',
      'shipping.shipment-arranged.v1',
      'shipping.shipment-refused.v1',
    ]);
  });

  it('ends as rejected commands say', () => {
    const saga = start(fulfilment);
    saga.rejects('ReserveStock', new Rejected('No such product.'));
    saga.receive(placed);
    expect(saga.commands.at(-1)).toMatchObject({ type: 'CancelOrder', data: { reason: 'REFUSED: No such product.' } });
  });
});
