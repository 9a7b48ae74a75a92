/** G8 and G9: the power goes at every point of three orders' journeys, and every effect is still there exactly once. */
import { describe, expect, it } from '@jest/globals';
import { Command, Event } from '@annals/core';
import fc from 'fast-check';
import { Power } from '../test/power.js';
import { SagaWorld } from '../test/saga-world.js';
import { sagaDefinition } from './saga-definition.js';
import type { SagaInputReceived } from './saga-events.js';
import { steps } from './steps.js';

interface Order {
  orderId: string;
}
class Placed extends Event('Placed')<Order> {}
class Reserved extends Event('Reserved')<Order> {}
class Charged extends Event('Charged')<Order> {}
class Declined extends Event('Declined')<Order> {}
class Reserve extends Command('Reserve')<Order> {}
class Release extends Command('Release')<Order> {}
class Charge extends Command('Charge')<Order> {}
class Confirm extends Command('Confirm')<Order> {}
class Cancel extends Command('Cancel')<Order> {}

const fulfilment = sagaDefinition(
  { name: 'fulfilment', correlateBy: ({ data }) => data['orderId'] },
  steps(Placed)
    .step('reserve', {
      send: ({ data }) => new Reserve(data),
      done: Reserved,
      undo: ({ data }) => new Release(data),
      within: 'PT30S',
    })
    .step('charge', { send: ({ data }) => new Charge(data), done: Charged, failed: Declined })
    .completed(({ data }) => new Confirm(data))
    .compensated(({ data }) => new Cancel(data)),
);

/** `paid` goes well, `broke` is declined, `slow` is reserved only after it was given up. */
const journeys: Readonly<Record<string, readonly string[]>> = {
  paid: ['Reserve', 'Charge', 'Confirm'],
  broke: ['Reserve', 'Charge', 'Release', 'Cancel'],
  slow: ['Reserve', 'Cancel', 'Release'],
};

function placedOrders(): SagaWorld {
  const world = new SagaWorld([fulfilment]);
  world.answers = {
    Reserve: ({ data }) => ((data as Order).orderId === 'slow' ? undefined : new Reserved(data as Order)),
    Charge: ({ data }) =>
      (data as Order).orderId === 'broke' ? new Declined(data as Order) : new Charged(data as Order),
    Cancel: ({ data }) => ((data as Order).orderId === 'slow' ? new Reserved(data as Order) : undefined),
  };
  for (const orderId of Object.keys(journeys)) world.happens(new Placed({ orderId }));
  return world;
}

const effectsOf = (world: SagaWorld, orderId: string) =>
  world.effects.filter(({ data }) => (data as Order).orderId === orderId).map(({ type }) => type);

const ended = (world: SagaWorld) =>
  Object.keys(journeys).every((id) =>
    world.store.all.some(
      ({ event, at }) =>
        at.stream === `saga-fulfilment-${id}` &&
        event.type === 'SagaEnded' &&
        (event.data as { closed: boolean }).closed,
    ),
  );

/** Runs an engine until everything has ended or the power goes; then it is abandoned as it stands. */
async function runUntilCut(world: SagaWorld, power: Power): Promise<void> {
  const engine = world.engine({
    store: { streams: power.supply(world.store.streams) },
    checkpoints: power.supply(world.checkpoints),
    deadlines: power.supply(world.deadlines),
    dispatch: (command) => power.operate(() => world.dispatch(command)),
  });
  void engine.start();
  await world.advanceUntil(() => power.isOff || ended(world), 5_000, 40);
  if (power.isOff) return;
  let stopped = false;
  void engine.stop().then(() => (stopped = true));
  await world.advanceUntil(() => power.isOff || stopped);
}

async function survives(...cuts: readonly Power[]): Promise<void> {
  const world = placedOrders();
  for (const power of cuts) await runUntilCut(world, power);
  await runUntilCut(world, new Power());
  for (const [orderId, expected] of Object.entries(journeys)) {
    expect({ orderId, effects: effectsOf(world, orderId) }).toEqual({ orderId, effects: expected });
    const inputs = world.store.all
      .filter(({ event, at }) => at.stream === `saga-fulfilment-${orderId}` && event.type === 'SagaInputReceived')
      .map(({ event }) => (event as SagaInputReceived).data.input.id);
    expect(new Set(inputs).size).toBe(inputs.length);
  }
}

describe('the effects of sagas, with the power cut', () => {
  it('at any operation, before or after its effect, are there once', async () => {
    const whole = new Power();
    await survives(whole);
    expect(whole.operations).toBeGreaterThan(50);
    for (let cutAt = 1; cutAt <= whole.operations; cutAt++)
      for (const carriedOut of [false, true]) await survives(new Power(cutAt, carriedOut));
  }, 60_000);

  it('again and again are there once', async () => {
    const cut = fc.tuple(fc.integer({ min: 1, max: 60 }), fc.boolean());
    await fc.assert(
      fc.asyncProperty(fc.array(cut, { minLength: 2, maxLength: 6 }), async (cuts) => {
        await survives(...cuts.map(([cutAt, carriedOut]) => new Power(cutAt, carriedOut)));
      }),
      { numRuns: 60 },
    );
  }, 60_000);
});
