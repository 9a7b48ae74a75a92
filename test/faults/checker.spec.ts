import { describe, expect, it } from '@jest/globals';
import { violations } from './checker.js';

type Fact = readonly [stream: string, type: string, data: Readonly<Record<string, unknown>>];

const orderId = 'o-1';
const lines = [{ sku: 'lamp', quantity: 2 }];
const placed: Fact = ['order-o-1', 'OrderPlaced', { orderId, lines, total: { amount: 900 } }];
const allocated: Fact = ['stock-lamp', 'StockAllocated', { orderId, sku: 'lamp', quantity: 2 }];
const released: Fact = ['stock-lamp', 'StockAllocationReleased', { orderId, sku: 'lamp', quantity: 2 }];
const taken: Fact = ['payment-o-1', 'PaymentTaken', { orderId, amount: { amount: 900 } }];
const refunded: Fact = ['payment-o-1', 'PaymentRefunded', { orderId, amount: { amount: 900 } }];
const arranged: Fact = ['shipment-o-1', 'ShipmentArranged', { orderId }];
const mail = (kind: string): Fact => ['correspondence-o-1', 'MailSent', { orderId, kind }];
const ended = (outcome: string): Fact => ['saga-order-fulfilment-o-1', 'SagaEnded', { outcome }];

const begun: Fact[] = [
  ['stock-lamp', 'StockReceived', { sku: 'lamp', quantity: 2 }],
  placed,
  ['saga-order-fulfilment-o-1', 'SagaStarted', {}],
];
const fulfilled: Fact[] = [
  ...begun,
  allocated,
  taken,
  arranged,
  ['order-o-1', 'OrderConfirmed', { orderId }],
  ['shipment-o-1', 'ShipmentDispatched', { orderId }],
  ['shipment-o-1', 'ShipmentDelivered', { orderId }],
  mail('order-confirmed'),
  mail('order-dispatched'),
  ended('completed'),
];
const cancelled: Fact[] = [
  ...begun,
  allocated,
  taken,
  refunded,
  released,
  ['order-o-1', 'OrderCancelled', { orderId }],
  mail('order-cancelled'),
  ended('compensated'),
];

const check = (facts: readonly Fact[]) =>
  violations(
    facts.map(([stream, type, data]) => ({ event: { type, data }, at: { stream } })),
    [orderId],
  );
const without = (facts: readonly Fact[], type: string) => facts.filter(([, each]) => each !== type);

describe('the checker of the fault tests', () => {
  it.each([
    ['fulfilled', fulfilled],
    ['cancelled', cancelled],
  ])('has nothing against an order that was cleanly %s', (_, facts) => expect(check(facts)).toEqual([]));

  it.each<[string, readonly Fact[], RegExp]>([
    ['an acknowledged order that is nowhere', [], /is nowhere/],
    ['an order that is neither confirmed nor cancelled', without(fulfilled, 'OrderConfirmed'), /confirmed 0 times/],
    ['an order that is both', [...fulfilled, ['order-o-1', 'OrderCancelled', { orderId }]], /cancelled 1 times/],
    ['money taken twice', [...fulfilled, taken], /1800 was taken, 900 is owed/],
    ['money not given back', without(cancelled, 'PaymentRefunded'), /900 was taken, 0 is owed/],
    ['goods given away', without(fulfilled, 'PaymentTaken'), /0 was taken, 900 is owed/],
    ['stock not released', without(cancelled, 'StockAllocationReleased'), /2 of lamp are reserved, it takes 0/],
    ['stock not reserved', without(fulfilled, 'StockAllocated'), /0 of lamp are reserved, it takes 2/],
    ['more reserved than there is', without(fulfilled, 'StockReceived'), /-2 are left/],
    ['a shipment of a cancelled order', [...cancelled, arranged], /shipment is under way/],
    ['no shipment', without(fulfilled, 'ShipmentArranged'), /shipment is not under way/],
    ['a shipment that never arrives', without(fulfilled, 'ShipmentDelivered'), /not delivered/],
    ['a mail sent twice', [...fulfilled, mail('order-confirmed')], /order-confirmed was sent 2 times/],
    ['a mail not sent', without(cancelled, 'MailSent'), /order-cancelled was sent 0 times/],
    ['a mail about what did not happen', [...fulfilled, mail('order-cancelled')], /order-cancelled was sent 1 times/],
    ['an open saga', without(fulfilled, 'SagaEnded'), /is open/],
    [
      'a failed compensation',
      [...without(cancelled, 'SagaEnded'), ended('compensated-with-failures')],
      /could not undo everything/,
    ],
  ])('sees %s', (_, facts, text) => expect(check(facts).join('\n')).toMatch(text));
});
