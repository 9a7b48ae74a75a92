import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsIn, IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';

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

/** {@link PagingQuery} of a list that can be sorted by several columns: extend what it gives. */
export function sortedBy(...columns: readonly [string, ...string[]]): typeof SortedQuery {
  const offered = columns.flatMap((column) => [column, `-${column}`]);
  class SortedByColumns extends SortedQuery {
    @IsOptional()
    @IsIn(offered)
    @ApiPropertyOptional({
      enum: offered,
      default: `-${columns[0]}`,
      description: 'The smallest first; with `-`, the largest first',
    })
    declare sort?: string;
  }
  return SortedByColumns;
}

class SortedQuery extends PagingQuery {
  sort?: string;
}
