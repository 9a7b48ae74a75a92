import { ApiProperty } from '@nestjs/swagger';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { ReservedLine, ShortLine } from '../../domain/reservation/reservation.events.js';

export type ReservationStatus = 'reserved' | 'rejected' | 'released';

@Entity('reservation')
export class ReservationRow {
  @PrimaryColumn('text')
  @ApiProperty({ example: 'o-1001' })
  orderId!: string;

  @Column('text')
  @ApiProperty({ enum: ['reserved', 'rejected', 'released'] })
  status!: ReservationStatus;

  @Column('jsonb')
  @ApiProperty({ example: [{ sku: 'tea', quantity: 2 }] })
  lines!: readonly ReservedLine[];

  @Column('jsonb')
  @ApiProperty({ description: 'What was missing, when it was rejected', example: [] })
  short!: readonly ShortLine[];

  @Column('timestamptz')
  @ApiProperty({ example: '2026-01-31T12:00:00.000Z' })
  updatedAt!: Date;
}
