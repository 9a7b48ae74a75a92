/** The stock of one SKU: what is there, and for which orders how much of it is set aside. */
import { decider } from '@annals/core';
import type { StockCommand } from './stock.commands.js';
import {
  StockAllocated,
  StockAllocationRefused,
  StockAllocationReleased,
  StockReceived,
  type StockEvent,
} from './stock.events.js';

export interface Stock {
  readonly available: number;
  /** Quantity set aside, by order id. */
  readonly allocations: Readonly<Record<string, number>>;
}

export const stock = decider<Stock, StockCommand, StockEvent>({
  category: 'stock',
  idOf: ({ data }) => data.sku,
  initial: { available: 0, allocations: {} },
  decide: {
    ReceiveStock: (_, { data }) => [new StockReceived(data)],
    AllocateStock: ({ available, allocations }, { data }) => {
      if (data.orderId in allocations) return [];
      return [
        data.quantity <= available ? new StockAllocated(data) : new StockAllocationRefused({ ...data, available }),
      ];
    },
    ReleaseAllocation: ({ allocations }, { data }) => {
      const quantity = allocations[data.orderId];
      return quantity === undefined ? [] : [new StockAllocationReleased({ ...data, quantity })];
    },
  },
  evolve: {
    StockReceived: (stock, { data }) => ({ ...stock, available: stock.available + data.quantity }),
    StockAllocated: (stock, { data }) => ({
      available: stock.available - data.quantity,
      allocations: { ...stock.allocations, [data.orderId]: data.quantity },
    }),
    StockAllocationRefused: (stock) => stock,
    StockAllocationReleased: (stock, { data }) => {
      const { [data.orderId]: _, ...allocations } = stock.allocations;
      return { available: stock.available + data.quantity, allocations };
    },
  },
});
