import { randomUUID } from 'node:crypto';
import { deterministicId } from '@annals/core';
import { DomainCommandBus, IdempotencyKey, type Page } from '@annals/nestjs';
import { Body, Controller, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiHeader, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { CancelOrder, PlaceOrder } from '../domain/order/order.commands.js';
import { OrdersConfig } from '../orders.config.js';
import { OrderSummary } from '../read-models/order-summary/order-summary.entity.js';
import { OrderSummaryQueries } from '../read-models/order-summary/order-summary.queries.js';
import { cardToken } from './card-token.js';
import { CancelOrderBody, OrderAccepted, OrdersQuery, PlaceOrderBody } from './orders.requests.js';

@Controller('orders')
@ApiTags('orders')
export class OrdersController {
  constructor(
    private readonly commands: DomainCommandBus,
    private readonly orders: OrderSummaryQueries,
    private readonly config: OrdersConfig,
  ) {}

  @Post()
  @ApiOperation({ summary: 'Place an order' })
  @ApiHeader({ name: 'Idempotency-Key', required: false, description: 'The same key twice is one order' })
  @ApiCreatedResponse({ type: OrderAccepted })
  async place(
    @Body() { orderId: given, cardNumber, customerId, email, lines, shipTo }: PlaceOrderBody,
    @IdempotencyKey() key: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OrderAccepted> {
    const orderId = given ?? (key === undefined ? randomUUID() : deterministicId('order', key));
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
  @HttpCode(200)
  @ApiOperation({ summary: 'Cancel an order that is not confirmed yet' })
  @ApiOkResponse({ type: OrderAccepted })
  async cancel(
    @Param('orderId') orderId: string,
    @Body() { reason }: CancelOrderBody,
    @IdempotencyKey() key: string | undefined,
  ): Promise<OrderAccepted> {
    const { revision } = await this.commands.execute(new CancelOrder({ orderId, reason }, { id: key }));
    return { orderId, revision };
  }

  @Get(':orderId')
  @ApiOperation({ summary: 'One order' })
  @ApiOkResponse({ type: OrderSummary })
  byId(@Param('orderId') orderId: string): Promise<OrderSummary> {
    return this.orders.byId(orderId);
  }

  @Get()
  @ApiOperation({ summary: "A customer's orders, the newest first" })
  @ApiOkResponse({ type: [OrderSummary] })
  ofCustomer(@Query() { customerId, limit, cursor }: OrdersQuery): Promise<Page<OrderSummary>> {
    return this.orders.page({ where: { customerId }, limit, cursor });
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
