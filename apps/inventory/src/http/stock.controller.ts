import { DomainCommandBus, IdempotencyKey, operatorRole, PagingQuery, Roles, type Page } from '@annals/nestjs';
import { Body, Controller, Get, Param, Post, Query } from '@nestjs/common';
import { ApiCreatedResponse, ApiHeader, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ReceiveStock } from '../domain/stock/stock.commands.js';
import { StockLevel } from '../read-models/stock-level/stock-level.entity.js';
import { StockLevelQueries } from '../read-models/stock-level/stock-level.queries.js';
import { SkuParam, StockReceiptAccepted, StockReceiptBody } from './inventory.requests.js';

@Controller('stock')
@ApiTags('stock')
export class StockController {
  constructor(
    private readonly commands: DomainCommandBus,
    private readonly levels: StockLevelQueries,
  ) {}

  @Post(':sku/receipts')
  @Roles(operatorRole)
  @ApiOperation({ summary: 'Take delivered pieces into stock' })
  @ApiHeader({ name: 'Idempotency-Key', required: false, description: 'The same key twice is one receipt' })
  @ApiCreatedResponse({ type: StockReceiptAccepted })
  async receive(
    @Param() { sku }: SkuParam,
    @Body() { quantity }: StockReceiptBody,
    @IdempotencyKey() key: string | undefined,
  ): Promise<StockReceiptAccepted> {
    const { revision } = await this.commands.execute(new ReceiveStock({ sku, quantity }, { id: key }));
    return { sku, revision };
  }

  @Get()
  @ApiOperation({ summary: 'Stock levels, the last changed first' })
  @ApiOkResponse({ type: [StockLevel] })
  all(@Query() { limit, cursor }: PagingQuery): Promise<Page<StockLevel>> {
    return this.levels.page({ limit, cursor });
  }

  @Get(':sku')
  @ApiOperation({ summary: 'The stock level of one SKU' })
  @ApiOkResponse({ type: StockLevel })
  bySku(@Param() { sku }: SkuParam): Promise<StockLevel> {
    return this.levels.byId(sku);
  }
}
