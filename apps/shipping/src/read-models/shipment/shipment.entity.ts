import { ApiProperty } from '@nestjs/swagger';
import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import type { Address, Piece } from '../../domain/shipment/shipment.events.js';

export const shipmentStatuses = ['arranged', 'refused', 'cancelled', 'dispatched', 'delivered'] as const;
export type ShipmentStatus = (typeof shipmentStatuses)[number];

@Entity('shipment')
@Index(['updatedAt', 'orderId'])
export class ShipmentRow {
  @PrimaryColumn('text')
  @ApiProperty({ example: 'o-1001' })
  orderId!: string;

  @Column('text')
  @ApiProperty({ enum: shipmentStatuses })
  status!: ShipmentStatus;

  @Column('text', { nullable: true })
  @ApiProperty({ type: String, nullable: true, example: 'postbote' })
  carrier!: string | null;

  @Column('text', { nullable: true })
  @ApiProperty({ type: String, nullable: true, example: 'PB-000017' })
  trackingNumber!: string | null;

  @Column('jsonb')
  @ApiProperty({ example: [{ sku: 'tea', quantity: 2 }] })
  lines!: readonly Piece[];

  @Column('jsonb', { nullable: true })
  @ApiProperty({
    type: Object,
    nullable: true,
    example: { name: 'Ada Lovelace', street: 'Hauptstraße 1', postcode: '10115', city: 'Berlin', country: 'DE' },
  })
  shipTo!: Address | null;

  @Column('text', { nullable: true })
  @ApiProperty({ type: String, nullable: true, description: 'Why it was refused or cancelled', example: null })
  reason!: string | null;

  @Column('timestamptz')
  @ApiProperty({ example: '2026-01-31T12:00:00.000Z' })
  updatedAt!: Date;
}
