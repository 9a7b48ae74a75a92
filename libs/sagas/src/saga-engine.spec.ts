import { afterEach, describe, expect, it } from '@jest/globals';
import { Command, deterministicId, DomainError, Event, type DomainCommand } from '@annals/core';
import { eventually } from '@annals/testing';
import { ofType } from '@nestjs/cqrs';
import { delay, filter, map, mergeMap, of, scan, switchMap, takeUntil, type Observable } from 'rxjs';
import { SagaWorld } from '../test/saga-world.js';
import { until } from '../test/virtual-clock.js';
import { CommandRejected } from './command-outcome.js';
import { deadline } from './deadline.js';
import { InvalidSaga, SagaInstanceInWrongState, SagaInstanceNotFound, SagaVersionMissing } from './errors.js';
import { sagaDefinition, type DurableSagaOptions, type SagaPipeline } from './saga-definition.js';
import type { SagaEngine } from './saga-engine.js';
import { steps } from './steps.js';

interface Order {
  orderId: string;
}
class Placed extends Event('OrderPlaced')<Order> {}
class Paid extends Event('OrderPaid')<Order> {}
class Cancelled extends Event('OrderCancelled')<Order> {}
class Shipped extends Event('shipping.shipped.v1')<Order> {}
type OrderEvent = Placed | Paid | Cancelled;
class Remind extends Command('Remind')<Order & { nth?: number }> {}
class Thank extends Command('Thank')<Order> {}
class Apologise extends Command('Apologise')<Order & { because: string }> {}

class Unknown extends DomainError {
  readonly code = 'CUSTOMER_UNKNOWN';
}

const order = (orderId: string): Order => ({ orderId });
const saga = (pipeline: SagaPipeline, options: Partial<DurableSagaOptions> = {}) =>
  sagaDefinition({ name: 'test', correlateBy: ({ data }) => data['orderId'], ...options }, pipeline);
const remindOnPlaced = (events$: Observable<OrderEvent>) =>
  events$.pipe(
    ofType(Placed),
    map(({ data }) => new Remind(data)),
  );

const engines: SagaEngine[] = [];
const started = async (engine: SagaEngine): Promise<SagaEngine> => {
  engines.push(engine);
  await engine.start();
  return engine;
};
afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.stop()));
});

describe('an instance', () => {
  it('is one per correlation id, with one append per input', async () => {
    const world = new SagaWorld([
      saga((events$: Observable<OrderEvent>) =>
        events$.pipe(
          scan((count) => count + 1, 0),
          filter((count) => count === 2),
          map(() => new Thank(order('a'))),
        ),
      ),
    ]);
    world.happens(new Placed(order('a')));
    world.happens(new Placed(order('b')));
    world.happens(new Paid(order('a')));
    await started(world.engine());
    await world.untilEffects('Thank');
    expect(world.stored('saga-test-a')).toEqual([
      'SagaStarted',
      'SagaInputReceived',
      'SagaInputReceived',
      'SagaCommandIssued',
    ]);
    expect(world.stored('saga-test-b')).toEqual(['SagaStarted', 'SagaInputReceived']);
  });

  it('issues commands with ids that depend on its stream only, in the conversation of its first input', async () => {
    const world = new SagaWorld([saga(remindOnPlaced)]);
    world.happens(new Placed(order('a')), 'conversation');
    await started(world.engine());
    await world.untilEffects('Remind');
    const [input] = world.store.all;
    expect(world.effects[0]).toEqual({
      type: 'Remind',
      data: order('a'),
      metadata: {
        id: deterministicId('saga-command', 'saga-test-a', 0),
        correlationId: 'conversation',
        causationId: input?.at.id,
        actor: undefined,
      },
    });
  });

  it('is rebuilt by another engine, which repeats nothing and goes on', async () => {
    const nth = (events$: Observable<OrderEvent>) =>
      events$.pipe(
        ofType(Placed),
        scan((count) => count + 1, 0),
        map((count) => new Remind({ orderId: 'a', nth: count })),
      );
    const world = new SagaWorld([saga(nth)]);
    const first = await started(world.engine());
    world.happens(new Placed(order('a')));
    world.happens(new Placed(order('a')));
    await world.untilEffects('Remind', 'Remind');
    await first.stop();
    await started(world.engine());
    world.happens(new Placed(order('a')));
    await world.untilEffects('Remind', 'Remind', 'Remind');
    expect(world.effects.map(({ data }) => (data as { nth: number }).nth)).toEqual([1, 2, 3]);
    expect(world.attempts).toHaveLength(3);
  });

  it('has the same effects with two engines at once', async () => {
    const world = new SagaWorld([saga(remindOnPlaced)]);
    await Promise.all([started(world.engine()), started(world.engine())]);
    const ids = ['a', 'b', 'c', 'd', 'e'];
    for (const id of ids) world.happens(new Placed(order(id)));
    await until(() => world.effects.length === ids.length);
    for (const id of ids) world.happens(new Placed(order(id)));
    await until(() => world.effects.length === 2 * ids.length);
    for (const id of ids)
      expect(world.stored(`saga-test-${id}`).filter((type) => type === 'SagaInputReceived')).toHaveLength(2);
  });

  it('that has begun already is found when its first event is delivered again', async () => {
    const twoThanks = steps(Placed)
      .step('pay', { send: ({ data }) => new Remind(data), done: Paid })
      .completed(({ data }) => new Thank(data));
    const world = new SagaWorld([
      sagaDefinition({ name: 'test', correlateBy: ({ data }) => data['orderId'] }, twoThanks),
    ]);
    const first = await started(world.engine());
    world.happens(new Placed(order('a')));
    await world.untilEffects('Remind');
    await first.stop();
    await world.checkpoints.save('sagas:inputs:test', -1n);
    await started(world.engine());
    world.happens(new Paid(order('a')));
    await world.untilEffects('Remind', 'Thank');
    expect(world.stored('saga-test-a').filter((type) => type === 'SagaStarted')).toHaveLength(1);
  });

  it('is let go of when there are too many, and comes back', async () => {
    const world = new SagaWorld([saga(remindOnPlaced)]);
    const engine = await started(world.engine({}, { liveInstances: 3 }));
    const ids = Array.from({ length: 20 }, (_, index) => `o${index}`);
    for (const id of ids) world.happens(new Placed(order(id)));
    await until(() => world.effects.length === ids.length);
    expect(engine.status.liveInstances).toBeLessThanOrEqual(3);
    for (const id of ids) world.happens(new Placed(order(id)));
    await until(() => world.effects.length === 2 * ids.length);
  });

  it('gets integration events once per message id, and only those that it names', async () => {
    const pipeline = (events$: Observable<Shipped>) =>
      events$.pipe(map(({ data }) => new Thank({ orderId: data.orderId })));
    const world = new SagaWorld([
      saga(pipeline, { name: 'named', on: [Shipped] }),
      saga(remindOnPlaced, { name: 'unnamed' }),
    ]);
    const engine = await started(world.engine());
    const message = { id: 'm-1', type: Shipped.type, data: order('a'), correlationId: 'c' };
    await Promise.all([engine.deliver(message), engine.deliver(message)]);
    await engine.deliver(message);
    world.happens(new Placed(order('a')));
    await until(() => world.effects.length === 2);
    expect(world.stored('saga-named-a')).toEqual(['SagaStarted', 'SagaInputReceived', 'SagaCommandIssued']);
    expect(world.stored('saga-unnamed-a')).toEqual(['SagaStarted', 'SagaInputReceived', 'SagaCommandIssued']);
    expect(world.effects[0]?.metadata.correlationId).toBe('c');
  });

  it('can begin with what happens from now on', async () => {
    const world = new SagaWorld([saga(remindOnPlaced, { startFrom: 'now' })]);
    world.happens(new Placed(order('old')));
    const first = await started(world.engine());
    await until(
      () => first.status.consumers.length === 4 && first.status.consumers.every(({ position }) => position !== -1n),
    );
    await first.stop();
    world.happens(new Placed(order('between')));
    await started(world.engine());
    await world.untilEffects('Remind');
    expect(world.effects[0]?.data).toEqual(order('between'));
  });
});

describe('deadlines', () => {
  const reminder = (events$: Observable<OrderEvent>) =>
    events$.pipe(
      ofType(Placed),
      switchMap(({ data }) =>
        deadline('PT1H').pipe(
          takeUntil(events$.pipe(ofType(Paid))),
          map(() => new Remind(data)),
        ),
      ),
    );

  it('fire at their time, after a restart too', async () => {
    const world = new SagaWorld([saga(reminder)]);
    const first = await started(world.engine());
    world.happens(new Placed(order('a')));
    await until(() => world.stored('saga-test-a').includes('SagaDeadlineSet'));
    await first.stop();
    await started(world.engine());
    await world.advanceUntil(() => world.clock.now().getTime() >= Date.parse('2026-01-01T00:59:00Z'), 60_000);
    expect(world.effects).toEqual([]);
    await world.advanceUntil(() => world.effects.length === 1, 500);
    expect(world.clock.now().getTime()).toBeLessThanOrEqual(Date.parse('2026-01-01T01:00:01Z'));
  });

  it('fire also where an older copy of the instance knows nothing of them', async () => {
    const world = new SagaWorld([saga(reminder, { on: [Placed, Paid] })]);
    const old = await started(world.engine({ feed: world.store.feed(['of no category']) }));
    await old.deliver({ id: 'm-1', type: 'OrderPaid', data: order('a') });
    expect(old.status.liveInstances).toBe(1);
    const other = await started(world.engine());
    world.happens(new Placed(order('a')));
    await until(() => world.stored('saga-test-a').includes('SagaDeadlineSet'));
    await other.stop();
    await world.advanceUntil(() => world.effects.length === 1, 60_000, 70);
  });

  it('that are cancelled do not fire', async () => {
    const world = new SagaWorld([saga(reminder)]);
    await started(world.engine());
    world.happens(new Placed(order('a')));
    world.happens(new Paid(order('a')));
    world.happens(new Placed(order('b')));
    await world.advanceUntil(() => world.effects.length > 0, 60_000);
    expect(world.effects.map(({ data }) => data)).toEqual([order('b')]);
    expect(await world.deadlines.next(['test'])).toBeUndefined();
  });
});

describe('commands', () => {
  const apologetic = (events$: Observable<OrderEvent | CommandRejected>) =>
    events$.pipe(
      ofType(Placed, CommandRejected),
      map((event) =>
        event instanceof CommandRejected
          ? new Apologise({ orderId: 'a', because: `${event.data.error.code} after ${event.data.tries}` })
          : new Remind({ orderId: event.data.orderId }),
      ),
    );

  it('that are rejected come back as CommandRejected, without another try', async () => {
    const world = new SagaWorld([saga(apologetic)]);
    world.answers = {
      Remind: () => {
        throw new Unknown('No such customer.');
      },
    };
    await started(world.engine());
    world.happens(new Placed(order('a')));
    await world.untilEffects('Apologise');
    expect(world.effects[0]?.data).toEqual({ orderId: 'a', because: 'CUSTOMER_UNKNOWN after 1' });
    expect(world.attempts).toHaveLength(2);
  });

  it('that fail for a passing reason are tried again', async () => {
    const world = new SagaWorld([saga(apologetic)]);
    let failures = 2;
    world.answers = {
      Remind: () => {
        if (failures-- > 0) throw new Error('connection lost');
        return undefined;
      },
    };
    await started(world.engine());
    world.happens(new Placed(order('a')));
    await world.advanceUntil(() => world.effects.length === 1);
    expect(world.effectTypes()).toEqual(['Remind']);
    expect(world.attempts).toHaveLength(3);
  });

  it('that fail in all three tries count as rejected', async () => {
    const world = new SagaWorld([saga(apologetic)]);
    world.answers = { Remind: () => Promise.reject(new Error('connection lost')) };
    await started(world.engine());
    world.happens(new Placed(order('a')));
    await world.advanceUntil(() => world.effects.length === 1);
    expect(world.effects[0]?.data).toEqual({ orderId: 'a', because: 'UNKNOWN after 3' });
    expect(world.attempts.filter(({ type }) => type === 'Remind')).toHaveLength(3);
  });

  it('of one instance keep their order, and hold up no other instance', async () => {
    const pipeline = (events$: Observable<OrderEvent>) =>
      events$.pipe(
        ofType(Placed),
        mergeMap(({ data }) => of(new Remind(data), new Thank(data))),
      );
    const world = new SagaWorld([saga(pipeline)]);
    let release: () => void = () => undefined;
    const held = new Promise<undefined>((resolve) => (release = () => resolve(undefined)));
    world.answers = { Remind: ({ data }) => ((data as Order).orderId === 'slow' ? held : undefined) };
    await started(world.engine());
    world.happens(new Placed(order('slow')));
    world.happens(new Placed(order('quick')));
    await world.untilEffects('Remind', 'Thank');
    expect(world.effects.map(({ data }) => (data as Order).orderId)).toEqual(['quick', 'quick']);
    release();
    await world.untilEffects('Remind', 'Thank', 'Remind', 'Thank');
  });

  it('that never end do not keep the engine from stopping', async () => {
    const world = new SagaWorld([saga(remindOnPlaced)]);
    world.answers = { Remind: () => new Promise(() => undefined) };
    const engine = await started(world.engine({}, { drainMs: 3_000 }));
    world.happens(new Placed(order('a')));
    await until(() => world.attempts.length === 1);
    let stopped = false;
    const stopping = engine.stop().then(() => (stopped = true));
    await world.advanceUntil(() => stopped);
    await stopping;
    expect(world.logged).toContain('warn: Sagas stopped with work under way; it is done again at the next start.');
    const again: DomainCommand[] = [];
    await started(world.engine({ dispatch: (command) => Promise.resolve(again.push(command)) }));
    await until(() => again.length === 1);
    expect(again[0]?.metadata.id).toBe(world.attempts[0]?.metadata.id);
  });

  it('of a saga that was told of their rejection are not carried out later', async () => {
    const world = new SagaWorld([saga(apologetic)]);
    let knows = false;
    world.answers = {
      Remind: () => {
        if (!knows) throw new Unknown('No such customer.');
        return undefined;
      },
    };
    // The checkpoint of the first engine's dispatch is lost, as in a crash: the second begins from the start.
    const first = await started(
      world.engine({ checkpoints: { load: () => Promise.resolve(-1n), save: () => Promise.resolve() } }),
    );
    world.happens(new Placed(order('a')));
    await world.untilEffects('Apologise');
    await first.stop();
    knows = true;
    const second = await started(world.engine());
    world.happens(new Placed(order('b')));
    await world.untilEffects('Apologise', 'Remind');
    expect(world.effects[1]?.data).toEqual(order('b'));
    expect(second.status.commandsUnderWay).toBe(0);
  });
});

describe('a pipeline that fails', () => {
  let broken = true;
  const fragile = (events$: Observable<OrderEvent>) =>
    events$.pipe(
      map(({ type, data }) => {
        if (broken && data.orderId === 'bad') throw new Error('division by cucumber');
        return new Remind({ orderId: `${data.orderId} ${type}` });
      }),
    );

  it('stops only its instance, is tried again, and is stuck in the end', async () => {
    broken = true;
    const world = new SagaWorld([saga(fragile)]);
    const engine = await started(world.engine());
    world.happens(new Placed(order('bad')));
    world.happens(new Placed(order('good')));
    await world.untilEffects('Remind');
    await world.advanceUntil(async () => (await engine.instances.list({ states: ['stuck'] })).length === 1);
    const shown = await engine.instances.show('test', 'bad');
    expect(shown).toMatchObject({ state: 'stuck', tries: 4, lastError: { message: 'division by cucumber' } });
    expect(shown.history.filter(({ kind }) => kind === 'failure')).toHaveLength(4);
    expect(world.logged.at(-1)).toBe('error: saga-test-bad is stuck: division by cucumber');
  });

  it('goes on by itself with everything that came meanwhile, in order, when it recovers', async () => {
    broken = true;
    const world = new SagaWorld([saga(fragile)]);
    const engine = await started(world.engine());
    world.happens(new Placed(order('bad')));
    await until(() => world.stored('saga-test-bad').includes('SagaFailed'));
    world.happens(new Paid(order('bad')));
    world.happens(new Cancelled(order('bad')));
    await until(() => world.stored('saga-test-bad').filter((type) => type === 'SagaInputReceived').length === 3);
    broken = false;
    await world.advanceUntil(() => world.effects.length === 3);
    expect(world.effects.map(({ data }) => data)).toEqual([
      { orderId: 'bad OrderPlaced' },
      { orderId: 'bad OrderPaid' },
      { orderId: 'bad OrderCancelled' },
    ]);
    expect((await engine.instances.show('test', 'bad')).state).toBe('running');
  });

  it('can be retried by hand when it is stuck, after a restart too', async () => {
    broken = true;
    const world = new SagaWorld([saga(fragile)]);
    const settings = { pipelineRetry: { tries: 1, firstMs: 1, maxMs: 1 } };
    const first = await started(world.engine({}, settings));
    world.happens(new Placed(order('bad')));
    await until(() => world.stored('saga-test-bad').includes('SagaFailed'));
    await first.stop();
    const second = await started(world.engine({}, settings));
    expect((await second.instances.retry('test', 'bad')).state).toBe('stuck');
    broken = false;
    expect((await second.instances.retry('test', 'bad')).state).toBe('running');
    await world.untilEffects('Remind');
    await expect(second.instances.retry('test', 'bad')).rejects.toThrow(SagaInstanceInWrongState);
  });

  it('by emitting after its delivery is stuck with a text that names deadline', async () => {
    const world = new SagaWorld([saga((events$: Observable<OrderEvent>) => remindOnPlaced(events$).pipe(delay(1)))]);
    const engine = await started(world.engine());
    world.happens(new Placed(order('a')));
    await eventually(() => world.stored('saga-test-a').includes('SagaFailed'));
    const { state, lastError } = await engine.instances.show('test', 'a');
    expect(state).toBe('stuck');
    expect(lastError?.message).toContain("deadline('PT30S')");
    expect(world.effects).toEqual([]);
  });

  it('on replay, because it is not deterministic, is stopped with both sequences', async () => {
    let word = 'first';
    const fickle = (events$: Observable<OrderEvent>) => events$.pipe(map(() => new Remind({ orderId: word })));
    const world = new SagaWorld([saga(fickle)]);
    const first = await started(world.engine());
    world.happens(new Placed(order('a')));
    await world.untilEffects('Remind');
    await first.stop();
    word = 'second';
    const second = await started(world.engine());
    world.happens(new Paid(order('a')));
    await until(() => world.stored('saga-test-a').includes('SagaFailed'));
    const { state, lastError } = await second.instances.show('test', 'a');
    expect(state).toBe('stuck');
    expect(lastError?.code).toBe('SAGA_NOT_DETERMINISTIC');
    expect(lastError?.message).toContain('stored: Remind {"orderId":"first"}; replayed: Remind {"orderId":"second"}');
    word = 'first';
    await second.instances.retry('test', 'a');
    await world.untilEffects('Remind', 'Remind');
  });
});

describe('an event that cannot be correlated', () => {
  it('is an instance of its own, stuck, and finds its way when it is retried', async () => {
    let mended = false;
    const world = new SagaWorld([
      saga(remindOnPlaced, {
        correlateBy: ({ data }) => (mended ? data['orderId'] : (7 as unknown as string)),
      }),
    ]);
    const engine = await started(world.engine());
    world.happens(new Placed(order('a')));
    await until(async () => (await engine.instances.list()).length === 1);
    const [stuck] = await engine.instances.list({ states: ['stuck'] });
    expect(stuck?.lastError?.code).toBe('SAGA_UNCORRELATED');
    mended = true;
    const after = await engine.instances.retry('test', stuck?.id ?? '');
    expect(after.state).toBe('completed');
    await world.untilEffects('Remind');
    expect(world.stored('saga-test-a')).toContain('SagaCommandIssued');
  });
});

describe('versions', () => {
  const v1 = saga((events$: Observable<OrderEvent>) => events$.pipe(map(({ data }) => new Remind(data))));
  const v2 = saga((events$: Observable<OrderEvent>) => events$.pipe(map(({ data }) => new Thank(data))), {
    version: 2,
  });

  it('are kept by the instances that started with them', async () => {
    const world = new SagaWorld([v1]);
    const first = await started(world.engine());
    world.happens(new Placed(order('old')));
    await world.untilEffects('Remind');
    await first.stop();
    await started(world.engine({ sagas: [v1, v2], sagaFeed: world.store.feed(['saga-test-']) }));
    world.happens(new Paid(order('old')));
    await world.untilEffects('Remind', 'Remind');
    world.happens(new Placed(order('new')));
    await world.untilEffects('Remind', 'Remind', 'Thank');
  });

  it('that open instances need must be registered', async () => {
    const world = new SagaWorld([v1]);
    const first = await started(world.engine());
    world.happens(new Placed(order('a')));
    world.happens(new Placed(order('b')));
    await world.untilEffects('Remind', 'Remind');
    await first.stop();
    const starting = world.engine({ sagas: [v2] }).start();
    await expect(starting).rejects.toThrow(SagaVersionMissing);
    await expect(starting).rejects.toThrow('has 2 open instances of version 1');
  });

  it("and names may not get in each other's way", () => {
    const world = new SagaWorld([v1]);
    expect(() => world.engine({ sagas: [v1, v1] })).toThrow(InvalidSaga);
    expect(() => world.engine({ sagas: [v1, saga(remindOnPlaced, { name: 'test-two' })] })).toThrow(InvalidSaga);
    expect(() => saga(remindOnPlaced, { name: 'Test' })).toThrow(InvalidSaga);
  });
});

describe('instances', () => {
  class Reserve extends Command('Reserve')<Order> {}
  class Release extends Command('Release')<Order> {}
  class Charge extends Command('Charge')<Order> {}
  class Reserved extends Event('Reserved')<Order> {}
  class Charged extends Event('Charged')<Order> {}
  const fulfilment = sagaDefinition(
    { name: 'fulfilment', correlateBy: ({ data }) => data['orderId'] },
    steps(Placed)
      .step('reserve', { send: ({ data }) => new Reserve(data), done: Reserved, undo: ({ data }) => new Release(data) })
      .step('charge', { send: ({ data }) => new Charge(data), done: Charged, within: 'PT10M' }),
  );

  it('are listed with where they stand, and shown with what happened', async () => {
    const world = new SagaWorld([fulfilment]);
    world.answers = { Reserve: ({ data }) => new Reserved(data as Order) };
    const engine = await started(world.engine());
    world.happens(new Placed(order('a')), 'conversation');
    await world.untilEffects('Reserve', 'Charge');
    await until(async () => (await engine.instances.list())[0]?.deadline !== undefined);
    expect(await engine.instances.list({ saga: 'fulfilment' })).toMatchObject([
      {
        saga: 'fulfilment',
        id: 'a',
        version: 1,
        state: 'running',
        step: 'charge',
        tries: 1,
        deadline: new Date('2026-01-01T00:10:00Z'),
        correlationId: 'conversation',
      },
    ]);
    world.happens(new Charged(order('a')));
    await until(async () => (await engine.instances.list())[0]?.state === 'completed');
    const { history } = await engine.instances.show('fulfilment', 'a');
    expect(history.map(({ kind, text }) => `${kind}: ${text}`)).toEqual([
      'input: OrderPlaced',
      'step: reserve: sent',
      'command: Reserve',
      'input: Reserved',
      'step: reserve: done',
      'step: charge: sent',
      'command: Charge',
      'wait: deadline 0 set for 2026-01-01T00:10:00.000Z',
      'input: Charged',
      'wait: deadline 0 cancelled',
      'step: charge: done',
      'end: completed',
    ]);
  });

  it('are undone when they are cancelled, if they are made of steps', async () => {
    const world = new SagaWorld([fulfilment]);
    world.answers = { Reserve: ({ data }) => new Reserved(data as Order) };
    const engine = await started(world.engine());
    world.happens(new Placed(order('a')));
    await world.untilEffects('Reserve', 'Charge');
    await engine.instances.cancel('fulfilment', 'a', 'the customer rang');
    await world.untilEffects('Reserve', 'Charge', 'Release');
    await until(async () => (await engine.instances.show('fulfilment', 'a')).state === 'compensated');
    await expect(engine.instances.cancel('fulfilment', 'a', 'again')).rejects.toThrow(SagaInstanceInWrongState);
  });

  it('end at once when they are cancelled otherwise', async () => {
    const waiting = saga((events$: Observable<OrderEvent>) =>
      events$.pipe(
        switchMap(() => deadline('PT1H')),
        map(() => new Remind(order('a'))),
      ),
    );
    const world = new SagaWorld([waiting]);
    const engine = await started(world.engine());
    world.happens(new Placed(order('a')));
    await until(() => world.stored('saga-test-a').includes('SagaDeadlineSet'));
    expect((await engine.instances.cancel('test', 'a', 'enough')).state).toBe('cancelled');
    await until(async () => (await world.deadlines.next(['test'])) === undefined);
    world.happens(new Placed(order('a')));
    world.happens(new Placed(order('b')));
    await until(() => world.stored('saga-test-b').length > 0);
    expect(world.stored('saga-test-a').at(-1)).toBe('SagaEnded');
  });

  it('that are not there are not found', async () => {
    const engine = await started(new SagaWorld([fulfilment]).engine());
    await expect(engine.instances.show('fulfilment', 'nobody')).rejects.toThrow(SagaInstanceNotFound);
    await expect(engine.instances.cancel('nothing', 'a', '')).rejects.toThrow(SagaInstanceNotFound);
  });
});
