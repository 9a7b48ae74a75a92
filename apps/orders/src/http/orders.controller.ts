import { randomUUID } from 'node:crypto';
import { deterministicId } from '@annals/core';
import {
  Caller,
  DomainCommandBus,
  IdempotencyKey,
  IfMatch,
  operatorRole,
  RevisionTag,
  RevisionTagInterceptor,
  Roles,
  serviceRole,
  type Page,
  type Principal,
} from '@annals/nestjs';
import { Body, Controller, Get, HttpCode, Param, Post, Query, Res, UseInterceptors } from '@nestjs/common';
import {
  ApiConflictResponse,
  ApiCreatedResponse,
  ApiHeader,
  ApiOkResponse,
  ApiOperation,
  ApiPreconditionFailedResponse,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { CancelOrder, PlaceOrder } from '../domain/order/order.commands.js';
import { OrdersConfig } from '../orders.config.js';
import { OrderSummary } from '../read-models/order-summary/order-summary.entity.js';
import { OrderSummaryQueries } from '../read-models/order-summary/order-summary.queries.js';
import { cardToken } from './card-token.js';
import { customerFilter, customerOf, customerRole, orderingCustomer } from './order-access.js';
import { CancelOrderBody, OrderAccepted, OrdersQuery, PlaceOrderBody } from './orders.requests.js';

@Controller('orders')
@Roles(customerRole, operatorRole, serviceRole)
@ApiTags('orders')
export class OrdersController {
  constructor(
    private readonly commands: DomainCommandBus,
    private readonly orders: OrderSummaryQueries,
    private readonly config: OrdersConfig,
  ) {}

  @Post()
  @Roles(customerRole, operatorRole)
  @ApiOperation({ summary: 'Place an order' })
  @ApiHeader({ name: 'Idempotency-Key', required: false, description: 'The same key twice is one order' })
  @ApiCreatedResponse({ type: OrderAccepted })
  async place(
    @Body() { orderId: chosen, cardNumber, email, lines, shipTo, ...given }: PlaceOrderBody,
    @IdempotencyKey() key: string | undefined,
    @Caller() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OrderAccepted> {
    const customerId = orderingCustomer(caller, given.customerId);
    const orderId = chosen ?? (key === undefined ? randomUUID() : deterministicId('order', key));
    const command = new PlaceOrder(
      {
        orderId,
        customerId,
        email,
        lines: lines.map(toLine),
        shipTo: toAddress(shipTo),
        paymentMethod: cardToken(cardNumber),
        payWithin: this.config.paymentDeadline,
      },
      { id: key },
    );
    const { revision } = await this.commands.execute(command);
    void reply.header('location', `/orders/${encodeURIComponent(orderId)}`);
    return { orderId, revision };
  }

  @Post(':orderId/cancellation')
  @Roles(customerRole, operatorRole)
  @HttpCode(200)
  @RevisionTag()
  @ApiOperation({ summary: 'Cancel an order that is not confirmed yet' })
  @ApiOkResponse({ type: OrderAccepted })
  @ApiConflictResponse({ description: 'It cannot be cancelled any more, or others were faster several times' })
  @ApiPreconditionFailedResponse({ description: 'The order has moved on since the ETag of If-Match' })
  async cancel(
    @Param('orderId') orderId: string,
    @Body() { reason }: CancelOrderBody,
    @IdempotencyKey() key: string | undefined,
    @IfMatch() expectedRevision: number | undefined,
    @Caller() caller: Principal,
  ): Promise<OrderAccepted> {
    const command = new CancelOrder({ orderId, reason, customerId: customerOf(caller) }, { id: key });
    const { revision } = await this.commands.execute(
      command,
      expectedRevision === undefined ? {} : { expectedRevision },
    );
    return { orderId, revision };
  }

  @Get(':orderId')
  @UseInterceptors(RevisionTagInterceptor)
  @ApiOperation({ summary: 'One order' })
  @ApiOkResponse({ type: OrderSummary, headers: { ETag: { description: 'For If-Match', schema: { type: 'string' } } } })
  byId(@Param('orderId') orderId: string, @Caller() caller: Principal): Promise<OrderSummary> {
    const customerId = customerOf(caller);
    return this.orders.byId(orderId, customerId === undefined ? {} : { customerId });
  }

  @Get()
  @ApiOperation({ summary: "A customer's own orders, or, for operators, all; the newest first" })
  @ApiOkResponse({ type: [OrderSummary] })
  list(
    @Query() { customerId, status, sort, limit, cursor }: OrdersQuery,
    @Caller() caller: Principal,
  ): Promise<Page<OrderSummary>> {
    return this.orders.page({ where: { ...customerFilter(caller, customerId), status }, sort, limit, cursor });
  }
}

/** Plain data: events hold no instances of request classes. */
const toLine = ({ sku, quantity, unitPrice: { amount, currency } }: PlaceOrderBody['lines'][number]) => ({
  sku,
  quantity,
  unitPrice: { amount, currency },
});

const toAddress = ({ name, street, postcode, city, country }: PlaceOrderBody['shipTo']) => ({
  name,
  street,
  postcode,
  city,
  country,
});
