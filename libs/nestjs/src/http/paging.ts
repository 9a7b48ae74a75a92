import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';

/** Query parameters of every list; extend it with the list's filters. */
export class PagingQuery {
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(200)
  @ApiPropertyOptional({ description: 'How many at most', default: 50, minimum: 1, maximum: 200 })
  limit: number = 50;

  @IsOptional()
  @IsString()
  @MaxLength(1_000)
  @ApiPropertyOptional({ description: "The page before's `next`" })
  cursor?: string;
}
