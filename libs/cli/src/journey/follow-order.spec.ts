import { describe, expect, it } from '@jest/globals';
import { followOrder, type SeenStage } from './follow-order.js';
import type { OrderView } from './shop-client.js';

type Statuses = [
  order?: string | undefined,
  reservation?: string | undefined,
  payment?: string | undefined,
  shipment?: string,
];

const viewOf = ([order, reservation, payment, shipment]: Statuses): OrderView => ({
  order: order === undefined ? undefined : { status: order, reason: order === 'cancelled' ? 'card declined' : null },
  reservation: reservation === undefined ? undefined : { status: reservation },
  payment: payment === undefined ? undefined : { status: payment, reason: null },
  shipment:
    shipment === undefined ? undefined : { status: shipment, reason: shipment === 'refused' ? 'too far' : null },
});

/** Follows an order through these views, the last of which stays; gives the stages in the order in which they were told. */
async function follow(...views: Statuses[]): Promise<SeenStage[]> {
  let asked = 0;
  const view = () => Promise.resolve(viewOf(views[Math.min(asked++, views.length - 1)] ?? []));
  const stages: SeenStage[] = [];
  const following = followOrder({ view }, 'o-1', performance.now(), AbortSignal.timeout(5_000));
  for await (const stage of following) stages.push(stage);
  return stages;
}
const wholeWay = [
  'placed',
  'stock reserved',
  'payment taken',
  'shipment arranged',
  'confirmed',
  'dispatched',
  'delivered',
];
const names = (stages: SeenStage[]) => stages.map(({ name }) => name);

describe('following an order', () => {
  it('tells each stage once, in order', async () => {
    const stages = await follow(
      [],
      ['placed'],
      ['placed'],
      ['placed', 'reserved'],
      ['stock-reserved', 'reserved', 'taken'],
      ['paid', 'reserved', 'taken', 'arranged'],
      ['confirmed', 'reserved', 'taken', 'arranged'],
      ['confirmed', 'reserved', 'taken', 'dispatched'],
      ['confirmed', 'reserved', 'taken', 'delivered'],
    );
    expect(names(stages)).toEqual(wholeWay);
  });

  it('keeps that order when the read models of other contexts are ahead or behind', async () => {
    expect(
      names(
        await follow(
          [undefined, 'reserved', 'taken'],
          ['placed', 'reserved', 'taken', 'arranged'],
          ['confirmed', 'reserved', 'taken', 'delivered'],
        ),
      ),
    ).toEqual(wholeWay);
    expect(names(await follow(['confirmed', undefined, undefined, 'delivered']))).toEqual(wholeWay);
  });

  it('tells the way back of a declined payment, the end last, with its reason', async () => {
    const stages = await follow(['stock-reserved', 'reserved', 'declined'], ['cancelled', 'released', 'declined']);
    expect(names(stages)).toEqual(['placed', 'stock reserved', 'payment declined', 'stock released', 'cancelled']);
    expect(stages.at(-1)).toMatchObject({ context: 'orders', reason: 'card declined' });
  });

  it('tells what is undone when no carrier takes the shipment', async () => {
    const stages = await follow(
      ['paid', 'reserved', 'taken', 'refused'],
      ['cancelled', 'released', 'refunded', 'refused'],
    );
    expect(names(stages)).toEqual([
      'placed',
      'stock reserved',
      'payment taken',
      'shipment refused',
      'payment refunded',
      'stock released',
      'cancelled',
    ]);
    expect(stages[3]).toMatchObject({ context: 'shipping', reason: 'too far' });
  });

  it('tells what another read model shows a moment after the end', async () => {
    expect(names(await follow(['placed'], ['cancelled'], ['cancelled', 'rejected']))).toEqual([
      'placed',
      'stock rejected',
      'cancelled',
    ]);
  });

  it('gives up when its time is over', async () => {
    const view = () => Promise.resolve(viewOf(['placed']));
    const following = followOrder({ view }, 'o-1', performance.now(), AbortSignal.timeout(50));
    expect((await following.next()).value).toMatchObject({ name: 'placed' });
    await expect(following.next()).rejects.toMatchObject({ name: 'TimeoutError' });
  });
});
