import { Event } from '@annals/core';

export class StockReceived extends Event('StockReceived')<{ sku: string; quantity: number }> {}
export class StockAllocated extends Event('StockAllocated')<{ sku: string; orderId: string; quantity: number }> {}
/** Recorded, not thrown: the same request must get the same answer when it is repeated. */
export class StockAllocationRefused extends Event('StockAllocationRefused')<{
  sku: string;
  orderId: string;
  quantity: number;
  available: number;
}> {}
export class StockAllocationReleased extends Event('StockAllocationReleased')<{
  sku: string;
  orderId: string;
  quantity: number;
}> {}

export type StockEvent = StockReceived | StockAllocated | StockAllocationRefused | StockAllocationReleased;
