import { ReadModelQuery } from '@annals/nestjs';
import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import { ShipmentRow } from './shipment.entity.js';

@Injectable()
export class ShipmentQueries extends ReadModelQuery<ShipmentRow> {
  constructor(@InjectRepository(ShipmentRow) repository: Repository<ShipmentRow>) {
    super(repository, { key: 'orderId', sort: 'updatedAt', filters: ['status'] });
  }
}
