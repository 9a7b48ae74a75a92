import { beforeEach, describe, it } from '@jest/globals';
import {
  ArrangeShipment,
  CancelShipment,
  PaymentDeclined,
  PaymentTaken,
  RefundPayment,
  ReleaseStock,
  ReserveStock,
  ShipmentArranged,
  ShipmentRefused,
  StockRejected,
  StockReserved,
  TakePayment,
} from '@annals/contracts';
import { durableSagasOf, givenSaga, type SagaSpecification } from '@annals/sagas';
import { CancelOrder, ConfirmOrder } from '../../domain/order/order.commands.js';
import { OrderAlreadyCancelled } from '../../domain/order/order.errors.js';
import { OrderPlaced } from '../../domain/order/order.events.js';
import { OrderFulfilment } from './order-fulfilment.saga.js';

const orderId = 'o-1';
const customerId = 'c-1';
const amount = { amount: 900, currency: 'EUR' };
const pieces = [{ sku: 'tea', quantity: 2 }];
const shipTo = { name: 'Ada', street: 'Hauptstraße 1', postcode: '10115', city: 'Berlin', country: 'DE' };
const reason = 'the order was cancelled';

const placed = new OrderPlaced({
  orderId,
  customerId,
  email: 'ada@example.com',
  lines: [{ sku: 'tea', quantity: 2, unitPrice: { amount: 450, currency: 'EUR' } }],
  shipTo,
  total: amount,
  paymentMethod: 'tok_4242',
  payWithin: 'PT1M',
});
const reserve = new ReserveStock({ orderId, lines: pieces });
const reserved = new StockReserved({ orderId, lines: pieces });
const release = new ReleaseStock({ orderId, reason });
const take = new TakePayment({ orderId, customerId, amount, paymentMethod: 'tok_4242' });
const taken = new PaymentTaken({ orderId, paymentId: 'payment-o-1', amount });
const refund = new RefundPayment({ orderId, reason });
const arrange = new ArrangeShipment({ orderId, lines: pieces, shipTo });
const arranged = new ShipmentArranged({ orderId, shipmentId: 's-1', carrier: 'postbote', trackingNumber: 'PB-1' });
const callOff = new CancelShipment({ orderId, reason });
const confirm = new ConfirmOrder({ orderId });
const cancel = (why: string) => new CancelOrder({ orderId, reason: why });

let fulfilment: SagaSpecification;
beforeEach(() => {
  const [definition] = durableSagasOf(new OrderFulfilment());
  if (!definition) throw new Error('OrderFulfilment declares no saga.');
  fulfilment = givenSaga(definition);
});

describe('order fulfilment', () => {
  it('reserves stock, takes the payment, arranges the shipment, and confirms', () => {
    fulfilment.when(placed).thenSends(reserve);
    fulfilment.when(reserved).thenSends(take);
    fulfilment.when(taken).thenSends(arrange).thenEnds(undefined);
    fulfilment.when(arranged).thenSends(confirm).thenEnds('completed').thenWaitsFor(0);
  });

  it('has nothing to undo when something is out of stock', () => {
    const rejected = new StockRejected({ orderId, short: [{ sku: 'tea', requested: 2, available: 1 }] });
    fulfilment.when(placed, rejected).thenSends(reserve, cancel('inventory.stock-rejected.v1')).thenEnds('compensated');
  });

  it('releases the stock when the payment is declined', () => {
    const declined = new PaymentDeclined({ orderId, amount, reason: 'card declined' });
    fulfilment
      .when(placed, reserved, declined)
      .thenSends(reserve, take, release, cancel('payments.payment-declined.v1'))
      .thenEnds('compensated');
  });

  it('refunds and releases, in that order, when no carrier takes the shipment', () => {
    const refused = new ShipmentRefused({ orderId, reason: 'postbote does not deliver to AQ' });
    fulfilment
      .when(placed, reserved, taken, refused)
      .thenSends(reserve, take, arrange, refund, release, cancel('shipping.shipment-refused.v1'))
      .thenEnds('compensated');
  });

  it('waits for the payment as long as was agreed, and refunds one that comes later', () => {
    fulfilment.when(placed, reserved).thenSends(reserve, take);
    fulfilment.after('PT59S').thenSends().after('PT1S').thenSends(release, cancel('no answer within PT1M'));
    fulfilment.when(taken).thenSends(refund).thenEnds('compensated');
  });

  it('calls off a shipment that is arranged after ten minutes', () => {
    fulfilment.when(placed, reserved, taken).after('PT10M');
    fulfilment.thenSends(reserve, take, arrange, refund, release, cancel('no answer within PT10M'));
    fulfilment.when(arranged).thenSends(callOff).thenEnds('compensated');
  });

  it('undoes everything when the order was cancelled before it could be confirmed', () => {
    fulfilment.rejecting(ConfirmOrder, new OrderAlreadyCancelled(orderId)).when(placed, reserved, taken, arranged);
    const why = cancel(`ORDER_ALREADY_CANCELLED: ${new OrderAlreadyCancelled(orderId).message}`);
    fulfilment.thenSends(reserve, take, arrange, confirm, callOff, refund, release, why).thenEnds('compensated');
  });
});
