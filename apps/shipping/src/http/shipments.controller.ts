import { operatorRole, Roles, serviceRole, type Page } from '@annals/nestjs';
import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ShipmentRow } from '../read-models/shipment/shipment.entity.js';
import { ShipmentQueries } from '../read-models/shipment/shipment.queries.js';
import { ShipmentsQuery } from './shipping.requests.js';

@Controller('shipments')
@Roles(operatorRole, serviceRole)
@ApiTags('shipments')
export class ShipmentsController {
  constructor(private readonly shipments: ShipmentQueries) {}

  @Get()
  @ApiOperation({ summary: 'Shipments, the last changed first' })
  @ApiOkResponse({ type: [ShipmentRow] })
  all(@Query() { status, limit, cursor }: ShipmentsQuery): Promise<Page<ShipmentRow>> {
    return this.shipments.page({ where: { status }, limit, cursor });
  }

  @Get(':orderId')
  @ApiOperation({ summary: "An order's shipment" })
  @ApiOkResponse({ type: ShipmentRow })
  byOrder(@Param('orderId') orderId: string): Promise<ShipmentRow> {
    return this.shipments.byId(orderId);
  }
}
