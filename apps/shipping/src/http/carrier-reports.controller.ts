/** Where the carrier reports to. It has no account here: its signature is what it is known by. */
import { deterministicId } from '@annals/core';
import { DomainCommandBus, NotFound, Public } from '@annals/nestjs';
import { Body, Controller, Headers, HttpCode, Post, UnauthorizedException } from '@nestjs/common';
import { ApiHeader, ApiNoContentResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { orderIdOf } from '../application/reference.js';
import { RecordDelivery } from '../domain/shipment/shipment.commands.js';
import { ShippingConfig } from '../shipping.config.js';
import { isSignedBy } from './carrier-signature.js';
import { CarrierReportBody } from './shipping.requests.js';

@Controller('carrier-reports')
@Public()
@ApiTags('carrier reports')
export class CarrierReportsController {
  constructor(
    private readonly commands: DomainCommandBus,
    private readonly config: ShippingConfig,
  ) {}

  @Post()
  @HttpCode(204)
  @ApiOperation({ summary: 'The carrier says what became of a shipment; the same report twice is one' })
  @ApiHeader({ name: 'Carrier-Signature', description: 'Hex HMAC-SHA256 of "<reference>\\n<status>"' })
  @ApiNoContentResponse()
  async report(@Body() report: CarrierReportBody, @Headers('carrier-signature') signature = ''): Promise<void> {
    if (!isSignedBy(this.config.carrierSecret, report, signature))
      throw new UnauthorizedException('The report is not signed with the secret that the carrier and shipping share.');
    const orderId = orderIdOf(report.reference);
    if (orderId === undefined) throw new NotFound(`There is no shipment ${report.reference}.`);
    await this.commands.execute(
      new RecordDelivery({ orderId }, { id: deterministicId('carrier report', report.reference, report.status) }),
    );
  }
}
