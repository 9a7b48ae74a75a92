import { ApiProperty } from '@nestjs/swagger';
import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity('stock_level')
export class StockLevel {
  @PrimaryColumn('text')
  @ApiProperty({ example: 'tea' })
  sku!: string;

  @Column('integer')
  @ApiProperty({ description: 'Pieces free to be reserved', example: 98 })
  available!: number;

  @Column('integer')
  @ApiProperty({ description: 'Pieces set aside for orders', example: 2 })
  allocated!: number;

  @Column('timestamptz')
  @ApiProperty({ example: '2026-01-31T12:00:00.000Z' })
  updatedAt!: Date;
}
