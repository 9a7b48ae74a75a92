import { randomUUID } from 'node:crypto';
import { Body, Controller, Get, Post, Res, UseGuards } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { FastifyReply } from 'fastify';
import type { Repository } from 'typeorm';
import { PlaceOrderBody } from '../../../apps/orders/src/http/orders.requests.js';
import { OrderSummary } from '../../../apps/orders/src/read-models/order-summary/order-summary.entity.js';
import { TokenGuard } from './token.guard.js';

@Controller('orders')
@UseGuards(TokenGuard)
export class OrdersController {
  constructor(@InjectRepository(OrderSummary) private readonly orders: Repository<OrderSummary>) {}

  /** One INSERT and no read before it, which `save` would do. */
  @Post()
  async place(
    @Body() { orderId = randomUUID(), customerId = '', lines, shipTo }: PlaceOrderBody,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<{ orderId: string; revision: number }> {
    const now = new Date();
    await this.orders.insert({
      orderId,
      customerId,
      status: 'placed',
      reason: null,
      lines,
      shipTo,
      shipment: null,
      trackingNumber: null,
      totalAmount: lines.reduce((total, { quantity, unitPrice }) => total + quantity * unitPrice.amount, 0),
      currency: lines[0]?.unitPrice.currency ?? '',
      revision: 0,
      placedAt: now,
      updatedAt: now,
    });
    void reply.header('location', `/orders/${encodeURIComponent(orderId)}`);
    return { orderId, revision: 0 };
  }
}

@Controller('health')
export class HealthController {
  @Get('ready')
  ready(): { status: string } {
    return { status: 'ok' };
  }
}
