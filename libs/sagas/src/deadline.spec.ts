import { describe, expect, it } from '@jest/globals';
import { Command, Event, type DomainCommand } from '@annals/core';
import { ofType } from '@nestjs/cqrs';
import {
  catchError,
  delay,
  EMPTY,
  from,
  map,
  merge,
  mergeMap,
  scan,
  startWith,
  switchMap,
  take,
  takeUntil,
  filter,
  type Observable,
} from 'rxjs';
import { deadline } from './deadline.js';
import { InvalidDuration, NotACommand, NotDeterministic, OutsideOfDelivery } from './errors.js';
import { sagaDefinition, type SagaPipeline } from './saga-definition.js';
import { SagaTrial } from './saga-trial.js';

class OrderPlaced extends Event('OrderPlaced')<{ orderId: string }> {}
class OrderPaid extends Event('OrderPaid')<{ orderId: string }> {}
class OrderCancelled extends Event('OrderCancelled')<{ orderId: string }> {}
type OrderEvent = OrderPlaced | OrderPaid | OrderCancelled;
class Remind extends Command('RemindCustomer')<{ orderId: string; at?: string }> {}

const order = { orderId: 'o-1' };
const placed = new OrderPlaced(order);
const paid = new OrderPaid(order);
const remind = new Remind(order);
const trial = (saga: SagaPipeline) =>
  new SagaTrial(sagaDefinition({ name: 'test', correlateBy: ({ data }) => data.orderId }, saga));
const plain = ({ type, data }: DomainCommand) => ({ type, data });

describe('deadline', () => {
  const reminder = (events$: Observable<OrderEvent>) =>
    events$.pipe(
      ofType(OrderPlaced),
      switchMap(({ data }) =>
        deadline('P1D').pipe(
          takeUntil(events$.pipe(ofType(OrderPaid, OrderCancelled))),
          map(() => new Remind({ orderId: data.orderId })),
        ),
      ),
    );

  it('fires at its time and not before', () => {
    const saga = trial(reminder);
    saga.receive(placed);
    saga.advance('PT23H59M59S');
    expect(saga.commands).toEqual([]);
    saga.advance('PT1S');
    expect(saga.commands.map(plain)).toEqual([plain(remind)]);
    expect(saga.openDeadlines).toEqual([]);
  });

  it('is cancelled by takeUntil', () => {
    const saga = trial(reminder);
    saga.receive(placed);
    saga.receive(paid);
    expect(saga.openDeadlines).toEqual([]);
    saga.advance('P2D');
    expect(saga.commands).toEqual([]);
  });

  it('is set anew by switchMap', () => {
    const saga = trial(reminder);
    saga.receive(placed);
    saga.advance('PT20H');
    saga.receive(placed);
    expect(saga.openDeadlines).toEqual([new Date('2026-01-02T20:00:00Z')]);
    saga.advance('PT10H');
    expect(saga.commands).toEqual([]);
    saga.advance('PT14H');
    expect(saga.commands).toHaveLength(1);
  });

  it('works inside merge and scan, and at subscription', () => {
    const saga = trial((events$: Observable<OrderEvent>) =>
      merge(
        deadline('PT1H').pipe(map((due) => new Remind({ orderId: 'first', at: due.toISOString() }))),
        events$.pipe(
          ofType(OrderPlaced),
          scan((count) => count + 1, 0),
          filter((count) => count === 3),
          switchMap(() => deadline(new Date('2026-01-01T02:00:00Z'))),
          map(() => new Remind({ orderId: 'third' })),
        ),
      ),
    );
    for (let i = 0; i < 3; i++) saga.receive(placed);
    saga.advance('PT3H');
    expect(saga.commands.map(({ data }) => data)).toEqual([
      { orderId: 'first', at: '2026-01-01T01:00:00.000Z' },
      { orderId: 'third' },
    ]);
  });

  it('refuses what is no duration, when the saga is built', () => {
    expect(() => deadline('P1Y')).toThrow(InvalidDuration);
    expect(() => deadline('PT')).toThrow(InvalidDuration);
    expect(() => deadline(new Date('never'))).toThrow(InvalidDuration);
  });

  it('leaves nothing behind when it is set and cancelled within one delivery', () => {
    const saga = trial((events$: Observable<OrderEvent>) =>
      events$.pipe(
        switchMap(() => deadline('PT1H').pipe(startWith(new Date(0)), take(1))),
        switchMap(() => EMPTY),
      ),
    );
    saga.receive(placed);
    expect(saga.openDeadlines).toEqual([]);
  });
});

describe('a pipeline', () => {
  it('gets stored events, plain data, through ofType', () => {
    const saga = trial((events$: Observable<OrderEvent>) =>
      events$.pipe(
        ofType(OrderPlaced),
        map(({ data }) => new Remind(data)),
      ),
    );
    saga.receive({ type: 'OrderPlaced', data: order });
    expect(saga.commands.map(plain)).toEqual([plain(remind)]);
  });

  it('has ended when its stream completes', () => {
    const saga = trial((events$: Observable<OrderEvent>) =>
      events$.pipe(
        take(1),
        map(() => remind),
      ),
    );
    saga.receive(placed);
    expect(saga.outcome).toBe('completed');
    saga.receive(paid);
    expect(saga.commands).toHaveLength(1);
  });

  it('throws what an operator throws', () => {
    const saga = trial((events$: Observable<OrderEvent>) =>
      events$.pipe(
        map((): Remind => {
          throw new Error('no such customer');
        }),
      ),
    );
    expect(() => saga.receive(placed)).toThrow('no such customer');
  });

  it('emits commands and nothing else', () => {
    const saga = trial((events$: Observable<OrderEvent>) => events$.pipe(map(() => 'remind' as unknown as Remind)));
    expect(() => saga.receive(placed)).toThrow(NotACommand);
  });

  it('emits commands that survive JSON', () => {
    const saga = trial((events$: Observable<OrderEvent>) =>
      events$.pipe(map(() => new Remind({ orderId: 'o-1', at: new Date(0) as unknown as string }))),
    );
    expect(() => saga.receive(placed)).toThrow('RemindCustomer.data.at is a Date');
  });

  it.each<[string, (command: Remind) => Observable<Remind>]>([
    ['a promise', (command) => from(Promise.resolve(command))],
    ['an RxJS timer', (command) => from([command]).pipe(delay(1))],
    [
      'a deadline after a promise',
      (command) =>
        from(Promise.resolve()).pipe(
          mergeMap(() => deadline('PT1H')),
          map(() => command),
        ),
    ],
  ])('may not go on after %s', async (_, later) => {
    let emitted: () => void = () => undefined;
    const settled = new Promise<void>((resolve) => (emitted = resolve));
    const saga = new SagaTrial({
      ...sagaDefinition({ name: 'late', correlateBy: ({ data }) => data.orderId }, () => EMPTY),
      pipeline: (events$) =>
        events$.pipe(
          mergeMap(() => later(remind)),
          map((command) => {
            queueMicrotask(emitted);
            return command;
          }),
          catchError((error: unknown) => {
            queueMicrotask(emitted);
            throw error;
          }),
        ),
    });
    saga.receive(placed);
    await settled;
    expect(saga.commands).toEqual([]);
    expect(saga.refused).toBeInstanceOf(OutsideOfDelivery);
    expect(saga.refused?.message).toContain('deadline(');
  });

  it('is found out when it is not deterministic', () => {
    let runs = 0;
    const saga = trial((events$: Observable<OrderEvent>) =>
      events$.pipe(map(() => new Remind({ orderId: `run ${runs++}` }))),
    );
    expect(() => saga.receive(placed)).toThrow(NotDeterministic);
  });
});
