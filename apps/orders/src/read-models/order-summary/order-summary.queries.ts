import { ReadModelQuery } from '@annals/nestjs';
import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import { OrderSummary } from './order-summary.entity.js';

@Injectable()
export class OrderSummaryQueries extends ReadModelQuery<OrderSummary> {
  constructor(@InjectRepository(OrderSummary) repository: Repository<OrderSummary>) {
    super(repository, { key: 'orderId', sort: ['placedAt', 'totalAmount'], filters: ['customerId', 'status'] });
  }
}
