import { ApiProperty } from '@nestjs/swagger';
import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

export const paymentStatuses = ['taken', 'declined', 'refunded', 'voided'] as const;
export type PaymentStatus = (typeof paymentStatuses)[number];

@Entity('payment')
@Index(['updatedAt', 'orderId'])
export class PaymentRow {
  @PrimaryColumn('text')
  @ApiProperty({ example: 'o-1001' })
  orderId!: string;

  @Column('text')
  @ApiProperty({ enum: paymentStatuses })
  status!: PaymentStatus;

  @Column('integer', { nullable: true })
  @ApiProperty({ type: Number, nullable: true, description: "In the currency's minor unit", example: 900 })
  amount!: number | null;

  @Column('text', { nullable: true })
  @ApiProperty({ type: String, nullable: true, example: 'EUR' })
  currency!: string | null;

  /** With it one could pay again: queries do not show it. */
  @Column('text', { nullable: true, select: false })
  paymentMethod!: string | null;

  @Column('text', { nullable: true })
  @ApiProperty({ type: String, nullable: true, description: 'Why it was declined, refunded or voided', example: null })
  reason!: string | null;

  @Column('timestamptz')
  @ApiProperty({ example: '2026-01-31T12:00:00.000Z' })
  updatedAt!: Date;
}
