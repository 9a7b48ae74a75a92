import { PagingQuery } from '@annals/nestjs';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsNotEmpty, IsOptional, IsString, MaxLength } from 'class-validator';
import { paymentStatuses, type PaymentStatus } from '../read-models/payment/payment.entity.js';

export class RefundBody {
  @IsString()
  @IsNotEmpty()
  @MaxLength(500)
  @ApiProperty({ example: 'goods returned' })
  reason!: string;
}

export class PaymentsQuery extends PagingQuery {
  @IsOptional()
  @IsIn(paymentStatuses)
  @ApiPropertyOptional({ enum: paymentStatuses, example: 'refunded' })
  status?: PaymentStatus;
}

export class RefundAccepted {
  @ApiProperty({ example: 'o-1001' })
  orderId!: string;

  @ApiProperty({ description: "Revision of the payment's stream", example: 1 })
  revision!: number;
}
