import { DomainCommandBus, IdempotencyKey, operatorRole, Roles, serviceRole, type Page } from '@annals/nestjs';
import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { RefundPayment } from '../domain/payment/payment.commands.js';
import { PaymentRow } from '../read-models/payment/payment.entity.js';
import { PaymentQueries } from '../read-models/payment/payment.queries.js';
import { PaymentsQuery, RefundAccepted, RefundBody } from './payments.requests.js';

@Controller('payments')
@Roles(operatorRole, serviceRole)
@ApiTags('payments')
export class PaymentsController {
  constructor(
    private readonly commands: DomainCommandBus,
    private readonly payments: PaymentQueries,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Payments, the last changed first' })
  @ApiOkResponse({ type: [PaymentRow] })
  all(@Query() { status, limit, cursor }: PaymentsQuery): Promise<Page<PaymentRow>> {
    return this.payments.page({ where: { status }, limit, cursor });
  }

  @Get(':orderId')
  @ApiOperation({ summary: "An order's payment" })
  @ApiOkResponse({ type: PaymentRow })
  byOrder(@Param('orderId') orderId: string): Promise<PaymentRow> {
    return this.payments.byId(orderId);
  }

  @Post(':orderId/refund')
  @Roles(operatorRole)
  @HttpCode(200)
  @ApiOperation({ summary: "Pay an order's money back" })
  @ApiOkResponse({ type: RefundAccepted })
  async refund(
    @Param('orderId') orderId: string,
    @Body() { reason }: RefundBody,
    @IdempotencyKey() key: string | undefined,
  ): Promise<RefundAccepted> {
    await this.payments.byId(orderId);
    const { revision } = await this.commands.execute(new RefundPayment({ orderId, reason }, { id: key }));
    return { orderId, revision };
  }
}
