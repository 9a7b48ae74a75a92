import { Command } from '@annals/core';

export class ReceiveStock extends Command('ReceiveStock')<{ sku: string; quantity: number }> {}
export class AllocateStock extends Command('AllocateStock')<{ sku: string; orderId: string; quantity: number }> {}
export class ReleaseAllocation extends Command('ReleaseAllocation')<{ sku: string; orderId: string }> {}

export type StockCommand = ReceiveStock | AllocateStock | ReleaseAllocation;
