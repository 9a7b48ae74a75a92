import type { EventContext } from '@annals/event-store';
import { readModel } from '@annals/projections';
import type { StockEvent } from '../../domain/stock/stock.events.js';
import { StockLevel } from './stock-level.entity.js';

/** The row with so many pieces more or less in either place; the first event of a SKU makes it. */
const moved = (
  row: StockLevel | undefined,
  sku: string,
  change: { available: number; allocated: number },
  at: EventContext,
): StockLevel => ({
  sku,
  available: (row?.available ?? 0) + change.available,
  allocated: (row?.allocated ?? 0) + change.allocated,
  updatedAt: at.created,
});

export const stockLevel = readModel<StockLevel, StockEvent>(StockLevel, {
  name: 'stock-level',
  version: 1,
  key: ({ data }) => data.sku,
  on: {
    StockReceived: (row, { data: { sku, quantity } }, at) => moved(row, sku, { available: quantity, allocated: 0 }, at),
    StockAllocated: (row, { data: { sku, quantity } }, at) =>
      moved(row, sku, { available: -quantity, allocated: quantity }, at),
    StockAllocationReleased: (row, { data: { sku, quantity } }, at) =>
      moved(row, sku, { available: quantity, allocated: -quantity }, at),
  },
});
