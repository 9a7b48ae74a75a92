import { describe, it } from '@jest/globals';
import { specification } from '@annals/testing';
import {
  CancelOrder,
  ConfirmOrder,
  NoteDelivery,
  NoteDispatch,
  NotePayment,
  NoteShipmentArranged,
  NoteStockReserved,
  PlaceOrder,
} from './order.commands.js';
import { order } from './order.decider.js';
import {
  InvalidOrder,
  OrderAlreadyCancelled,
  OrderAlreadyConfirmed,
  OrderIdTaken,
  OrderNotFound,
} from './order.errors.js';
import {
  OrderCancelled,
  OrderConfirmed,
  OrderDelivered,
  OrderDispatched,
  OrderPaid,
  OrderPlaced,
  OrderShipmentArranged,
  OrderStockReserved,
} from './order.events.js';

const given = specification(order);
const orderId = 'o-1';
const lines = [
  { sku: 'tea', quantity: 2, unitPrice: { amount: 450, currency: 'EUR' } },
  { sku: 'cup', quantity: 1, unitPrice: { amount: 1200, currency: 'EUR' } },
];
const shipTo = { name: 'Ada', street: 'Hauptstraße 1', postcode: '10115', city: 'Berlin', country: 'DE' };
const basket = {
  orderId,
  customerId: 'c-1',
  email: 'ada@example.com',
  lines,
  shipTo,
  paymentMethod: 'tok_4242',
  payWithin: 'PT2M',
} as const;
const place = new PlaceOrder(basket);
const confirm = new ConfirmOrder({ orderId });
const cancel = new CancelOrder({ orderId, reason: 'changed my mind' });
const total = { amount: 2100, currency: 'EUR' };
const placed = new OrderPlaced({ ...basket, total });
const confirmed = new OrderConfirmed({ orderId, customerId: 'c-1', lines, total });
const cancelled = new OrderCancelled({ orderId, customerId: 'c-1', reason: 'changed my mind' });

describe('an order', () => {
  it('is placed with its total', () => given().when(place).then(placed));
  it('is placed once', () => given(placed).when(place).then());
  it('is not taken over by another customer', () =>
    given(placed)
      .when(new PlaceOrder({ ...basket, customerId: 'c-2' }))
      .thenRejects(OrderIdTaken));
  it('needs a line', () =>
    given()
      .when(new PlaceOrder({ ...basket, lines: [] }))
      .thenRejects(InvalidOrder));
  it('has one currency', () =>
    given()
      .when(
        new PlaceOrder({
          ...basket,
          lines: [...lines, { sku: 'x', quantity: 1, unitPrice: { amount: 1, currency: 'USD' } }],
        }),
      )
      .thenRejects(InvalidOrder));

  it('notes the reserved stock once', () => {
    const reserved = new OrderStockReserved({ orderId });
    given(placed).when(new NoteStockReserved({ orderId })).then(reserved);
    given(placed, reserved).when(new NoteStockReserved({ orderId })).then();
  });
  it('notes the payment once', () => {
    const paid = new OrderPaid({ orderId });
    given(placed).when(new NotePayment({ orderId })).then(paid);
    given(placed, paid).when(new NotePayment({ orderId })).then();
  });
  it('notes the shipment on its way, each once, and nothing that it is past already', () => {
    const tracking = { orderId, carrier: 'postbote', trackingNumber: 'PB-1' };
    const arrange = new NoteShipmentArranged(tracking);
    const arranged = new OrderShipmentArranged(tracking);
    const dispatched = new OrderDispatched({ orderId });
    const delivered = new OrderDelivered({ orderId });
    given(placed).when(arrange).then(arranged);
    given(placed, arranged).when(arrange).then();
    given(placed, arranged, confirmed).when(new NoteDispatch({ orderId })).then(dispatched);
    given(placed, arranged, confirmed, dispatched).when(new NoteDelivery({ orderId })).then(delivered);
    given(placed, arranged, confirmed, dispatched, delivered).when(new NoteDelivery({ orderId })).then();
    // The messages of another context may be told in another order than they happened.
    given(placed, arranged, confirmed).when(new NoteDelivery({ orderId })).then(delivered);
    given(placed, arranged, confirmed, delivered).when(new NoteDispatch({ orderId })).then();
    given(placed, cancelled).when(arrange).then();
  });
  it('notes nothing when it is cancelled', () => given(placed, cancelled).when(new NotePayment({ orderId })).then());

  it('is confirmed once', () => {
    given(placed).when(confirm).then(confirmed);
    given(placed, confirmed).when(confirm).then();
  });
  it('cannot be confirmed when it is cancelled', () =>
    given(placed, cancelled).when(confirm).thenRejects(OrderAlreadyCancelled));
  it('cannot be confirmed before it is placed', () => given().when(confirm).thenRejects(OrderNotFound));

  it('is cancelled once', () => {
    given(placed).when(cancel).then(cancelled);
    given(placed, cancelled).when(cancel).then();
  });
  it('is cancelled by its own customer, and for another one it is not there', () => {
    given(placed)
      .when(new CancelOrder({ ...cancel.data, customerId: 'c-1' }))
      .then(cancelled);
    given(placed)
      .when(new CancelOrder({ ...cancel.data, customerId: 'c-2' }))
      .thenRejects(OrderNotFound);
  });
  it('cannot be cancelled once confirmed', () =>
    given(placed, confirmed).when(cancel).thenRejects(OrderAlreadyConfirmed));
  it('cannot be cancelled before it is placed', () => given().when(cancel).thenRejects(OrderNotFound));
});
