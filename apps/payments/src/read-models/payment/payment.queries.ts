import { ReadModelQuery } from '@annals/nestjs';
import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import { PaymentRow } from './payment.entity.js';

@Injectable()
export class PaymentQueries extends ReadModelQuery<PaymentRow> {
  constructor(@InjectRepository(PaymentRow) repository: Repository<PaymentRow>) {
    super(repository, { key: 'orderId', sort: 'updatedAt', filters: ['status'] });
  }
}
