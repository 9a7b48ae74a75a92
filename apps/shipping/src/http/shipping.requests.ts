import { PagingQuery } from '@annals/nestjs';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional, Matches } from 'class-validator';
import { shipmentStatuses, type ShipmentStatus } from '../read-models/shipment/shipment.entity.js';

export class CarrierReportBody {
  @Matches(/^[\w.:-]{1,200}$/, { message: 'reference must be 1 to 200 letters, digits, or . : _ -' })
  @ApiProperty({ example: 'shipment-o-1001' })
  reference!: string;

  @IsIn(['delivered'])
  @ApiProperty({ enum: ['delivered'] })
  status!: 'delivered';
}

export class ShipmentsQuery extends PagingQuery {
  @IsOptional()
  @IsIn(shipmentStatuses)
  @ApiPropertyOptional({ enum: shipmentStatuses, example: 'dispatched' })
  status?: ShipmentStatus;
}
