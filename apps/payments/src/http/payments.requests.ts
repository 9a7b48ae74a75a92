import { ApiProperty } from '@nestjs/swagger';
import { IsNotEmpty, IsString, MaxLength } from 'class-validator';

export class RefundBody {
  @IsString()
  @IsNotEmpty()
  @MaxLength(500)
  @ApiProperty({ example: 'goods returned' })
  reason!: string;
}

export class RefundAccepted {
  @ApiProperty({ example: 'o-1001' })
  orderId!: string;

  @ApiProperty({ description: "Revision of the payment's stream", example: 1 })
  revision!: number;
}
