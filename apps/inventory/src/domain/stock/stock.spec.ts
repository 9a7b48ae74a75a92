import { describe, it } from '@jest/globals';
import { specification } from '@annals/testing';
import { AllocateStock, ReceiveStock, ReleaseAllocation } from './stock.commands.js';
import { stock } from './stock.decider.js';
import { StockAllocated, StockAllocationRefused, StockAllocationReleased, StockReceived } from './stock.events.js';

const given = specification(stock);
const received = new StockReceived({ sku: 'tea', quantity: 5 });
const allocate = (quantity: number) => new AllocateStock({ sku: 'tea', orderId: 'o-1', quantity });
const allocated = (quantity: number) => new StockAllocated({ sku: 'tea', orderId: 'o-1', quantity });
const release = new ReleaseAllocation({ sku: 'tea', orderId: 'o-1' });
const released = new StockAllocationReleased({ sku: 'tea', orderId: 'o-1', quantity: 2 });

describe('the stock of a SKU', () => {
  it('is received', () =>
    given()
      .when(new ReceiveStock({ sku: 'tea', quantity: 5 }))
      .then(received));
  it('is allocated to the last piece', () => given(received).when(allocate(5)).then(allocated(5)));
  it('is not allocated beyond what is there, and says what is', () =>
    given(received)
      .when(allocate(6))
      .then(new StockAllocationRefused({ sku: 'tea', orderId: 'o-1', quantity: 6, available: 5 })));
  it('is allocated once per order', () => given(received, allocated(2)).when(allocate(2)).then());
  it('is free again after a release', () => {
    given(received, allocated(2)).when(release).then(released);
    given(received, allocated(2), released).thenState({ available: 5, allocations: {} });
  });
  it('has nothing to release twice', () => given(received, allocated(2), released).when(release).then());
});
