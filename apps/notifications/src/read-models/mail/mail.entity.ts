import { ApiProperty } from '@nestjs/swagger';
import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import type { Kind } from '../../domain/correspondence/correspondence.events.js';

export const mailStatuses = ['requested', 'deferred', 'sent', 'given-up'] as const;
export type MailStatus = (typeof mailStatuses)[number];

@Entity('mail')
@Index(['updatedAt', 'mailId'])
@Index(['orderId'])
export class MailRow {
  @PrimaryColumn('text')
  @ApiProperty({ example: 'o-1001.order-confirmed' })
  mailId!: string;

  @Column('text')
  @ApiProperty({ example: 'o-1001' })
  orderId!: string;

  @Column('text')
  @ApiProperty({ enum: ['order-confirmed', 'order-dispatched', 'order-cancelled'] })
  kind!: Kind;

  @Column('text')
  @ApiProperty({ example: 'ada@example.com' })
  to!: string;

  @Column('text')
  @ApiProperty({ enum: mailStatuses })
  status!: MailStatus;

  @Column('integer')
  @ApiProperty({ description: 'How often it could not be sent', example: 0 })
  deferrals!: number;

  @Column('text', { nullable: true })
  @ApiProperty({ type: String, nullable: true, description: 'Why it was put off or given up', example: null })
  reason!: string | null;

  @Column('text', { nullable: true })
  @ApiProperty({ type: String, nullable: true, example: '<0b1c…@annals.example>' })
  messageId!: string | null;

  @Column('timestamptz')
  @ApiProperty({ example: '2026-01-31T12:00:00.000Z' })
  requestedAt!: Date;

  @Column('timestamptz')
  @ApiProperty({ example: '2026-01-31T12:00:01.000Z' })
  updatedAt!: Date;
}
