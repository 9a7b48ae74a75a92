import { describe, expect, it } from '@jest/globals';
import { Command, DomainError, Event } from '@annals/core';
import { givenSaga, sagaDefinition, steps } from './index.js';

interface Order {
  orderId: string;
}
class Placed extends Event('Placed')<Order> {}
class Reserved extends Event('Reserved')<Order> {}
class Charged extends Event('Charged')<Order> {}
class Reserve extends Command('Reserve')<Order> {}
class Release extends Command('Release')<Order> {}
class Charge extends Command('Charge')<Order> {}
class No extends DomainError {
  readonly code = 'NO';
}

const order: Order = { orderId: 'o-1' };
const fulfilment = sagaDefinition(
  { name: 'fulfilment', correlateBy: ({ data }) => data['orderId'] },
  steps(Placed)
    .step('reserve', { send: ({ data }) => new Reserve(data), done: Reserved, undo: ({ data }) => new Release(data) })
    .step('charge', { send: ({ data }) => new Charge(data), done: Charged, within: 'PT10M' }),
);
const placed = new Placed(order);
const reserved = new Reserved(order);

describe('givenSaga', () => {
  it('tells a saga from event to event, and through time', () => {
    givenSaga(fulfilment)
      .when(placed)
      .thenSends(new Reserve(order))
      .when(reserved)
      .thenSends(new Charge(order))
      .thenWaitsFor(1)
      .after('PT9M')
      .thenSends()
      .thenEnds(undefined)
      .after('PT1M')
      .thenSends(new Release(order))
      .thenEnds('compensated')
      .thenWaitsFor(0);
  });

  it('tells of rejections and of cancelling', () => {
    givenSaga(fulfilment)
      .rejecting(Charge, new No('Not today.'))
      .when(placed, reserved)
      .thenSends(new Reserve(order), new Charge(order), new Release(order))
      .thenEnds('compensated');
    givenSaga(fulfilment).when(placed).whenCancelled('a test').thenSends(new Reserve(order)).thenEnds('compensated');
  });

  it('fails with both sides', () => {
    const saga = givenSaga(fulfilment).when(placed);
    expect(() => saga.thenSends(new Charge(order))).toThrow(/commands differ[^]*"Charge"[^]*"Reserve"/);
    expect(() => saga.thenSends(new Reserve(order))).toThrow('commands differ');
    expect(() => saga.thenEnds('completed')).toThrow('outcome differ');
    expect(() => saga.thenWaitsFor(1)).toThrow('open deadlines differ');
  });
});
