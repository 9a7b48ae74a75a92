import { ApiProperty } from '@nestjs/swagger';
import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import type { Address, OrderLine } from '../../domain/order/order.events.js';

export const orderStatuses = ['placed', 'stock-reserved', 'paid', 'confirmed', 'cancelled'] as const;
export type OrderStatus = (typeof orderStatuses)[number];
export type OrderShipment = 'arranged' | 'dispatched' | 'delivered';

@Entity('order_summary')
@Index(['customerId', 'placedAt', 'orderId'])
export class OrderSummary {
  @PrimaryColumn('text')
  @ApiProperty({ example: 'o-1001' })
  orderId!: string;

  @Column('text')
  @ApiProperty({ example: 'c-42' })
  customerId!: string;

  @Column('text')
  @ApiProperty({ enum: orderStatuses })
  status!: OrderStatus;

  @Column('text', { nullable: true })
  @ApiProperty({ type: String, nullable: true, description: 'Why it was cancelled', example: null })
  reason!: string | null;

  @Column('jsonb')
  @ApiProperty({ example: [{ sku: 'tea', quantity: 2, unitPrice: { amount: 450, currency: 'EUR' } }] })
  lines!: readonly OrderLine[];

  @Column('jsonb')
  @ApiProperty({
    example: { name: 'Ada Lovelace', street: 'Hauptstraße 1', postcode: '10115', city: 'Berlin', country: 'DE' },
  })
  shipTo!: Address;

  @Column('text', { nullable: true })
  @ApiProperty({ enum: ['arranged', 'dispatched', 'delivered'], nullable: true, description: "The shipment's own way" })
  shipment!: OrderShipment | null;

  @Column('text', { nullable: true })
  @ApiProperty({ type: String, nullable: true, example: 'PB-000017' })
  trackingNumber!: string | null;

  @Column('integer')
  @ApiProperty({ description: "In the currency's minor unit", example: 900 })
  totalAmount!: number;

  @Column('text')
  @ApiProperty({ example: 'EUR' })
  currency!: string;

  @Column('integer')
  @ApiProperty({ description: "Revision of the order's stream that this reflects; its ETag", example: 3 })
  revision!: number;

  @Column('timestamptz')
  @ApiProperty({ example: '2026-01-31T12:00:00.000Z' })
  placedAt!: Date;

  @Column('timestamptz')
  @ApiProperty({ example: '2026-01-31T12:00:01.000Z' })
  updatedAt!: Date;
}
