import { InjectHttp, operatorRole, Roles, ServiceTokens, serviceRole } from '@annals/nestjs';
import type { ResilientHttp } from '@annals/resilience';
import { Controller, Get, Param, Req, Res } from '@nestjs/common';
import { ApiHeader, ApiOkResponse, ApiOperation, ApiProperty, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { orderDetails, type OrderDetails, type OrderDetailsSources } from './order-details.js';

class UnavailablePart {
  @ApiProperty({ enum: ['payment', 'reservation', 'shipment'] })
  part!: string;

  @ApiProperty({ example: 'CIRCUIT_OPEN' })
  code!: string;
}

class OrderDetailsBody {
  @ApiProperty({ type: Object })
  order!: object;

  @ApiProperty({ type: Object, nullable: true })
  payment!: object | null;

  @ApiProperty({ type: Object, nullable: true })
  reservation!: object | null;

  @ApiProperty({ type: Object, nullable: true })
  shipment!: object | null;

  @ApiProperty({ type: [UnavailablePart], description: 'Parts that could not be had now; ask again later' })
  unavailable!: UnavailablePart[];
}

@Controller('api/orders')
@Roles('customer', operatorRole, serviceRole)
@ApiTags('gateway')
export class OrderDetailsController {
  private readonly sources: OrderDetailsSources;

  constructor(
    @InjectHttp('orders') orders: ResilientHttp,
    @InjectHttp('payments') payments: ResilientHttp,
    @InjectHttp('inventory') inventory: ResilientHttp,
    @InjectHttp('shipping') shipping: ResilientHttp,
    private readonly tokens: ServiceTokens,
  ) {
    this.sources = {
      orders,
      parts: {
        payment: { http: payments, path: '/payments' },
        reservation: { http: inventory, path: '/reservations' },
        shipment: { http: shipping, path: '/shipments' },
      },
    };
  }

  @Get(':orderId/details')
  @ApiOperation({ summary: 'An order with its payment, reservation and shipment' })
  @ApiHeader({ name: 'Annals-Wait-For', required: false, description: 'An Annals-Position that must be included' })
  @ApiOkResponse({ type: OrderDetailsBody })
  async details(
    @Param('orderId') orderId: string,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OrderDetails | Buffer> {
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    const waitFor = request.headers['annals-wait-for'];
    const asked = await orderDetails(this.sources, {
      orderId,
      waitFor: typeof waitFor === 'string' ? waitFor : undefined,
      signal: gone.signal,
      onBehalfOfTheShop: () => this.tokens.authorization(),
    });
    if ('refusal' in asked) {
      const { status, headers, body } = asked.refusal;
      void reply.status(status).type(String(headers['content-type'] ?? 'application/problem+json'));
      return body;
    }
    if (asked.lag !== undefined) void reply.header('annals-lag', asked.lag);
    return asked.details;
  }
}
