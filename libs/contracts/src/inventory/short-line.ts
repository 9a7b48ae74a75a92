import { IsInt, IsNotEmpty, IsString, MaxLength, Min } from 'class-validator';

/** An article of which there was not enough. */
export class ShortLine {
  @IsString()
  @IsNotEmpty()
  @MaxLength(100)
  sku!: string;

  @IsInt()
  @Min(1)
  requested!: number;

  @IsInt()
  @Min(0)
  available!: number;
}
