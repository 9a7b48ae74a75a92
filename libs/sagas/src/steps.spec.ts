import { beforeEach, describe, expect, it } from '@jest/globals';
import { Command, DomainError, Event } from '@annals/core';
import { InvalidDuration, InvalidSaga } from './errors.js';
import { sagaDefinition } from './saga-definition.js';
import { SagaTrial } from './saga-trial.js';
import { steps, type OrchestratedSaga } from './steps.js';

interface Order {
  orderId: string;
}
class Placed extends Event('Placed')<Order> {}
class Reserved extends Event('Reserved')<Order> {}
class OutOfStock extends Event('OutOfStock')<Order> {}
class Charged extends Event('Charged')<Order> {}
class Declined extends Event('Declined')<Order> {}
class Arranged extends Event('Arranged')<Order> {}
class Refused extends Event('Refused')<Order> {}
class Reserve extends Command('Reserve')<Order> {}
class Release extends Command('Release')<Order> {}
class Charge extends Command('Charge')<Order> {}
class Refund extends Command('Refund')<Order> {}
class Arrange extends Command('Arrange')<Order> {}
class CancelShipment extends Command('CancelShipment')<Order> {}
class Confirm extends Command('Confirm')<Order> {}
class Cancel extends Command('Cancel')<Order & { step: string; reason: string }> {}

class No extends DomainError {
  readonly code = 'NO';
}

const order: Order = { orderId: 'o-1' };
const trial = (saga: OrchestratedSaga) =>
  new SagaTrial(sagaDefinition({ name: 'fulfilment', correlateBy: ({ data }) => data['orderId'] }, saga));

const reserve = {
  send: ({ data }: Placed) => new Reserve(data),
  done: Reserved,
  failed: OutOfStock,
  undo: ({ data }: Placed) => new Release(data),
  within: 'PT30S',
} as const;
const charge = {
  send: ({ data }: Placed) => new Charge(data),
  done: Charged,
  failed: Declined,
  undo: ({ data }: Placed) => new Refund(data),
  within: 'PT2M',
} as const;
const arrange = {
  send: ({ data }: Placed) => new Arrange(data),
  done: Arranged,
  failed: [Refused],
  undo: ({ data }: Placed) => new CancelShipment(data),
} as const;
const confirm = ({ data }: Placed) => new Confirm(data);
const cancel = ({ data }: Placed, { step, reason }: { step: string; reason: string }) =>
  new Cancel({ ...data, step, reason });

const fulfilment = steps(Placed)
  .step('reserve', reserve)
  .step('charge', charge)
  .step('arrange', arrange)
  .completed(confirm)
  .compensated(cancel);

let saga: SagaTrial;
const types = () => saga.commands.map(({ type }) => type);
const receive = (...events: (new (data: Order) => { type: string; data: Order })[]) => {
  for (const event of events) saga.receive(new event(order));
};
beforeEach(() => {
  saga = trial(fulfilment);
});

describe('steps that succeed', () => {
  it('follow each other, and the saga completes', () => {
    receive(Placed, Reserved, Charged);
    expect(saga.outcome).toBeUndefined();
    receive(Arranged);
    expect(types()).toEqual(['Reserve', 'Charge', 'Arrange', 'Confirm']);
    expect(saga.outcome).toBe('completed');
    expect(saga.openDeadlines).toEqual([]);
  });

  it('are not started by other events, nor twice', () => {
    receive(Reserved, Charged);
    expect(types()).toEqual([]);
    receive(Placed, Placed);
    expect(types()).toEqual(['Reserve']);
  });

  it('are not completed by the events of other steps', () => {
    receive(Placed, Charged, Arranged, Declined);
    expect(types()).toEqual(['Reserve']);
    expect(saga.outcome).toBeUndefined();
  });

  it('hand their events on to later ones', () => {
    class Send extends Command('Send')<{ seen: string[] }> {}
    saga = trial(
      steps(Placed)
        .step('one', { send: () => new Send({ seen: [] }), done: Reserved })
        .step('two', { send: (_, done) => new Send({ seen: [done.one.data.orderId] }), done: Charged })
        .completed((_, done) => new Send({ seen: [done.one.type, done.two.type] })),
    );
    receive(Placed, Reserved, Charged);
    expect(saga.commands.map(({ data }) => data)).toEqual([
      { seen: [] },
      { seen: ['o-1'] },
      { seen: ['Reserved', 'Charged'] },
    ]);
  });
});

describe('a step that fails', () => {
  it('at first leaves nothing to undo', () => {
    receive(Placed, OutOfStock);
    expect(types()).toEqual(['Reserve', 'Cancel']);
    expect(saga.commands.at(-1)?.data).toEqual({ ...order, step: 'reserve', reason: 'OutOfStock' });
    expect(saga.outcome).toBe('compensated');
  });

  it('has those before it undone in reverse order', () => {
    receive(Placed, Reserved, Charged, Refused);
    expect(types()).toEqual(['Reserve', 'Charge', 'Arrange', 'Refund', 'Release', 'Cancel']);
    expect(saga.outcome).toBe('compensated');
  });

  it('by a rejected command is as one that fails by an event', () => {
    saga.rejects('Charge', new No('Not today.'));
    receive(Placed, Reserved);
    expect(types()).toEqual(['Reserve', 'Charge', 'Release', 'Cancel']);
    expect(saga.commands.at(-1)?.data).toMatchObject({ step: 'charge', reason: 'NO: Not today.' });
  });

  it('by its deadline is undone when it succeeds after all, while the saga is open', () => {
    receive(Placed);
    saga.advance('PT29S');
    expect(types()).toEqual(['Reserve']);
    saga.advance('PT1S');
    expect(types()).toEqual(['Reserve', 'Cancel']);
    expect(saga.outcome).toBe('compensated');
    receive(Reserved);
    expect(types()).toEqual(['Reserve', 'Cancel', 'Release']);
    receive(Reserved);
    expect(types()).toEqual(['Reserve', 'Cancel', 'Release']);
  });

  it('by its deadline and then by its event needs no undoing', () => {
    receive(Placed);
    saga.advance('PT30S');
    receive(OutOfStock, Reserved);
    expect(types()).toEqual(['Reserve', 'Cancel']);
  });

  it('is tried again with new commands as its policy says', () => {
    saga = trial(
      steps(Placed)
        .step('reserve', { ...reserve, retry: { tries: 3, first: 'PT1S', max: 'PT1M' } })
        .compensated(cancel),
    );
    receive(Placed, OutOfStock);
    expect(types()).toEqual(['Reserve']);
    saga.advance('PT1S');
    expect(types()).toEqual(['Reserve', 'Reserve']);
    receive(OutOfStock);
    saga.advance('PT1S');
    expect(types()).toHaveLength(2);
    saga.advance('PT1S');
    expect(types()).toHaveLength(3);
    receive(OutOfStock);
    expect(types()).toEqual(['Reserve', 'Reserve', 'Reserve', 'Cancel']);
  });

  it('is done when its success comes during the wait for another try', () => {
    saga = trial(
      steps(Placed)
        .step('reserve', { ...reserve, retry: { tries: 2 } })
        .step('charge', charge),
    );
    receive(Placed);
    saga.advance('PT30S');
    receive(Reserved);
    expect(types()).toEqual(['Reserve', 'Charge']);
  });
});

describe('undoing', () => {
  it('goes on when one compensation is rejected, which is recorded', () => {
    saga.rejects('Refund', new No('The bank says no.'));
    receive(Placed, Reserved, Charged, Refused);
    expect(types()).toEqual(['Reserve', 'Charge', 'Arrange', 'Refund', 'Release', 'Cancel']);
    expect(saga.outcome).toBe('compensated-with-failures');
    expect(saga.steps).toContainEqual({ step: 'charge', status: 'undo-failed', reason: 'NO: The bank says no.' });
  });

  it('goes on when a compensation cannot even be made', () => {
    saga = trial(
      steps(Placed)
        .step('reserve', reserve)
        .step('charge', {
          ...charge,
          undo: () => {
            throw new Error('no payment id');
          },
        })
        .step('arrange', arrange)
        .compensated(cancel),
    );
    receive(Placed, Reserved, Charged, Refused);
    expect(types()).toEqual(['Reserve', 'Charge', 'Arrange', 'Release', 'Cancel']);
    expect(saga.outcome).toBe('compensated-with-failures');
  });

  it('that fails after the end is told of too', () => {
    saga.rejects('Release', new No('Gone.'));
    receive(Placed);
    saga.advance('PT30S');
    expect(saga.outcome).toBe('compensated');
    receive(Reserved);
    expect(saga.outcome).toBe('compensated-with-failures');
  });

  it('leaves out steps without a compensation', () => {
    const { undo: _, ...irreversible } = charge;
    saga = trial(steps(Placed).step('reserve', reserve).step('charge', irreversible).step('arrange', arrange));
    receive(Placed, Reserved, Charged, Refused);
    expect(types()).toEqual(['Reserve', 'Charge', 'Arrange', 'Release']);
    expect(saga.outcome).toBe('compensated');
  });

  it('happens when the closing command is rejected', () => {
    saga.rejects('Confirm', new No('Cancelled meanwhile.'));
    receive(Placed, Reserved, Charged, Arranged);
    expect(types()).toEqual([
      'Reserve',
      'Charge',
      'Arrange',
      'Confirm',
      'CancelShipment',
      'Refund',
      'Release',
      'Cancel',
    ]);
    expect(saga.commands.at(-1)?.data).toMatchObject({ step: 'completed', reason: 'NO: Cancelled meanwhile.' });
  });

  it('with a rejected closing command is a failure', () => {
    saga.rejects('Cancel', new No('Shipped already.'));
    receive(Placed, OutOfStock);
    expect(saga.outcome).toBe('compensated-with-failures');
  });
});

describe('a deadline that the start event brings', () => {
  class Agreed extends Event('Agreed')<Order & { within: `P${string}` }> {}

  it('is kept by each instance', () => {
    const agreed = { ...charge, send: ({ data }: Agreed) => new Charge(data), undo: () => new Refund(order) };
    const table = steps(Agreed).step('charge', { ...agreed, within: ({ data }) => data.within });
    for (const [within, before] of [
      ['PT10S', 'PT9S'],
      ['PT1H', 'PT59M'],
    ] as const) {
      saga = trial(table);
      saga.receive(new Agreed({ ...order, within }));
      saga.advance(before);
      expect(saga.outcome).toBeUndefined();
      saga.advance(within);
      expect(saga.outcome).toBe('compensated');
    }
  });
});

describe('the point of no return', () => {
  beforeEach(() => {
    saga = trial(
      steps(Placed)
        .step('reserve', reserve)
        .step('charge', { ...charge, pointOfNoReturn: true })
        .step('arrange', arrange)
        .completed(confirm)
        .compensated(cancel),
    );
  });

  it('is undone like any step while it has not been passed', () => {
    receive(Placed, Reserved, Declined);
    expect(types()).toEqual(['Reserve', 'Charge', 'Release', 'Cancel']);
  });

  it('has later failures tried again, for ever', () => {
    receive(Placed, Reserved, Charged);
    for (let attempt = 1; attempt <= 20; attempt++) {
      receive(Refused);
      saga.advance('PT1M');
    }
    expect(types().filter((type) => type === 'Arrange')).toHaveLength(21);
    receive(Arranged);
    expect(saga.outcome).toBe('completed');
  });

  it('makes cancelling come too late', () => {
    receive(Placed, Reserved, Charged);
    saga.cancel('changed my mind');
    expect(types()).toEqual(['Reserve', 'Charge', 'Arrange']);
  });
});

describe('cancelling', () => {
  it('undoes what is done, and the step under way once it succeeds', () => {
    receive(Placed, Reserved);
    saga.cancel('changed my mind');
    expect(types()).toEqual(['Reserve', 'Charge', 'Release', 'Cancel']);
    expect(saga.commands.at(-1)?.data).toMatchObject({ reason: 'cancelled: changed my mind' });
    receive(Charged);
    expect(types()).toEqual(['Reserve', 'Charge', 'Release', 'Cancel', 'Refund']);
  });
});

describe('a table', () => {
  it('that cannot work is refused when it is written', () => {
    expect(() => steps(Placed).step('a', reserve).step('a', charge)).toThrow(InvalidSaga);
    expect(() => steps(Placed).step('a', { ...reserve, within: 'P1M' })).toThrow(InvalidDuration);
    expect(() => steps(Placed).step('a', { ...reserve, retry: { tries: 0 } })).toThrow(InvalidSaga);
  });

  it('may be continued in two ways without mixing them up', () => {
    const common = steps(Placed).step('reserve', reserve);
    common.step('charge', charge);
    expect(common.listensTo).toEqual(['Placed', 'Reserved', 'OutOfStock']);
  });
});
