import { Nested } from '@annals/messaging';
import { IsInt, IsNotEmpty, IsString, Max, MaxLength, Min } from 'class-validator';
import { Money } from '../money.js';

/** One article of an order. */
export class OrderLine {
  @IsString()
  @IsNotEmpty()
  @MaxLength(100)
  sku!: string;

  @IsInt()
  @Min(1)
  @Max(1_000_000)
  quantity!: number;

  @Nested(() => Money)
  unitPrice!: Money;
}
