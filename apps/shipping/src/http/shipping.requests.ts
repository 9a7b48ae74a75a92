import { ApiProperty } from '@nestjs/swagger';
import { IsIn, Matches } from 'class-validator';

export class CarrierReportBody {
  @Matches(/^[\w.:-]{1,200}$/, { message: 'reference must be 1 to 200 letters, digits, or . : _ -' })
  @ApiProperty({ example: 'shipment-o-1001' })
  reference!: string;

  @IsIn(['delivered'])
  @ApiProperty({ enum: ['delivered'] })
  status!: 'delivered';
}
