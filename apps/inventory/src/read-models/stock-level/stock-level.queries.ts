import { ReadModelQuery } from '@annals/nestjs';
import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import { StockLevel } from './stock-level.entity.js';

@Injectable()
export class StockLevelQueries extends ReadModelQuery<StockLevel> {
  constructor(@InjectRepository(StockLevel) repository: Repository<StockLevel>) {
    super(repository, { key: 'sku', sort: 'updatedAt' });
  }
}
