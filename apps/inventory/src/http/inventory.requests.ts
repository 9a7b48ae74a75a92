import { ApiProperty } from '@nestjs/swagger';
import { IsInt, Matches, Max, Min } from 'class-validator';

export class SkuParam {
  @Matches(/^[\w.:-]{1,100}$/, { message: 'sku must be 1 to 100 letters, digits, or . : _ -' })
  @ApiProperty({ example: 'tea' })
  sku!: string;
}

export class StockReceiptBody {
  @IsInt()
  @Min(1)
  @Max(1_000_000)
  @ApiProperty({ description: 'Pieces received', example: 100 })
  quantity!: number;
}

export class StockReceiptAccepted {
  @ApiProperty({ example: 'tea' })
  sku!: string;

  @ApiProperty({ description: "Revision of the SKU's stream", example: 0 })
  revision!: number;
}
