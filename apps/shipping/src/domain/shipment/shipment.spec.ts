import { describe, it } from '@jest/globals';
import { specification } from '@annals/testing';
import {
  RecordBooking,
  RecordCancellation,
  RecordDelivery,
  RecordDispatch,
  RecordRefusal,
} from './shipment.commands.js';
import { shipment } from './shipment.decider.js';
import { ShipmentAlreadyDispatched, ShipmentNotArranged, ShipmentNotDispatched } from './shipment.errors.js';
import {
  ShipmentArranged,
  ShipmentCancelled,
  ShipmentDelivered,
  ShipmentDispatched,
  ShipmentForestalled,
  ShipmentRefused,
} from './shipment.events.js';

const given = specification(shipment);
const orderId = 'o-1';
const booking = { carrier: 'postbote', trackingNumber: 'PB-1' };
const shipTo = { name: 'Ada', street: 'Hauptstraße 1', postcode: '10115', city: 'Berlin', country: 'DE' };
const accepted = { orderId, lines: [{ sku: 'tea', quantity: 2 }], shipTo, ...booking };
const reason = 'we do not deliver to AQ';
const why = 'the order was cancelled';

const book = new RecordBooking(accepted);
const refuse = new RecordRefusal({ orderId, reason });
const cancel = new RecordCancellation({ orderId, reason: why });
const dispatch = new RecordDispatch({ orderId });
const deliver = new RecordDelivery({ orderId });
const arranged = new ShipmentArranged(accepted);
const refused = new ShipmentRefused({ orderId, reason });
const cancelled = new ShipmentCancelled({ orderId, reason: why });
const forestalled = new ShipmentForestalled({ orderId, reason: why });
const dispatched = new ShipmentDispatched({ orderId, ...booking });
const delivered = new ShipmentDelivered({ orderId });

describe('a shipment', () => {
  it('is arranged or refused, once', () => {
    given().when(book).then(arranged);
    given().when(refuse).then(refused);
    given(arranged).when(book).then();
    given(arranged).when(refuse).then();
    given(refused).when(book).then();
  });
  it('is cancelled once', () => {
    given(arranged).when(cancel).then(cancelled);
    given(arranged, cancelled).when(cancel).then();
    given(refused).when(cancel).then();
  });
  it('is not arranged when the cancellation came first, and says so once', () => {
    const told = new ShipmentRefused({ orderId, reason: 'the order was cancelled before' });
    given().when(cancel).then(forestalled);
    given(forestalled).when(book).then(told);
    given(forestalled).when(refuse).then(told);
    given(forestalled, told).when(book).then();
    given(forestalled).when(cancel).then();
  });
  it('is dispatched once, with what the carrier gave', () => {
    given(arranged).when(dispatch).then(dispatched);
    given(arranged, dispatched).when(dispatch).then();
    given(arranged, dispatched, delivered).when(dispatch).then();
  });
  it('is not dispatched unless it is arranged', () => {
    given().when(dispatch).thenRejects(ShipmentNotArranged);
    given(refused).when(dispatch).thenRejects(ShipmentNotArranged);
    given(arranged, cancelled).when(dispatch).thenRejects(ShipmentNotArranged);
  });
  it('is not called off any more when it is on its way', () => {
    given(arranged, dispatched).when(cancel).thenRejects(ShipmentAlreadyDispatched);
    given(arranged, dispatched, delivered).when(cancel).thenRejects(ShipmentAlreadyDispatched);
  });
  it('is delivered once, after it was dispatched', () => {
    given(arranged, dispatched).when(deliver).then(delivered);
    given(arranged, dispatched, delivered).when(deliver).then();
    given(arranged).when(deliver).thenRejects(ShipmentNotDispatched);
  });
});
