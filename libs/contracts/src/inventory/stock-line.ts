import { IsInt, IsNotEmpty, IsString, Max, MaxLength, Min } from 'class-validator';

/** A quantity of one article in stock. */
export class StockLine {
  @IsString()
  @IsNotEmpty()
  @MaxLength(100)
  sku!: string;

  @IsInt()
  @Min(1)
  @Max(1_000_000)
  quantity!: number;
}
