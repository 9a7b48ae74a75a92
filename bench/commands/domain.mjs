// The same small order in three styles: a decider of ours, Emmett's command handling, and the bare event.
import { Command, decider, Event } from '@annals/core';

export const data = {
  items: [
    { sku: 'ABC', quantity: 2, price: 1999 },
    { sku: 'DEF', quantity: 1, price: 599 },
  ],
  total: 4597,
  currency: 'EUR',
  note: 'lorem ipsum dolor sit amet consectetur',
};

export class ItemsAdded extends Event('ItemsAdded') {}
export class AddItems extends Command('AddItems') {}

const decide = (basket, wanted) => {
  if (basket.closed) throw new Error('The basket is closed.');
  return wanted;
};
const evolve = (basket, { total }) => ({ ...basket, count: basket.count + 1, total: basket.total + total });
const initial = { count: 0, total: 0, closed: false };

export const basketWith = (more = {}) =>
  decider({
    category: 'basket',
    initial,
    decide: { AddItems: (basket, command) => [new ItemsAdded(decide(basket, command.data))] },
    evolve: { ItemsAdded: (basket, event) => evolve(basket, event.data) },
    ...more,
  });

/** For Emmett's CommandHandler. */
export const emmettBasket = {
  initialState: () => initial,
  evolve: (basket, event) => evolve(basket, event.data),
  decide: (basketId) => (basket) => ({ type: 'ItemsAdded', data: decide(basket, { ...data, basketId }) }),
};
