import { operatorRole, Roles, serviceRole } from '@annals/nestjs';
import { Controller, Get, Param } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ReservationRow } from '../read-models/reservation/reservation.entity.js';
import { ReservationQueries } from '../read-models/reservation/reservation.queries.js';

@Controller('reservations')
@Roles(operatorRole, serviceRole)
@ApiTags('reservations')
export class ReservationsController {
  constructor(private readonly reservations: ReservationQueries) {}

  @Get(':orderId')
  @ApiOperation({ summary: "An order's reservation" })
  @ApiOkResponse({ type: ReservationRow })
  byOrder(@Param('orderId') orderId: string): Promise<ReservationRow> {
    return this.reservations.byId(orderId);
  }
}
