import { ReadModelQuery } from '@annals/nestjs';
import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import { ReservationRow } from './reservation.entity.js';

@Injectable()
export class ReservationQueries extends ReadModelQuery<ReservationRow> {
  constructor(@InjectRepository(ReservationRow) repository: Repository<ReservationRow>) {
    super(repository, { key: 'orderId', sort: 'updatedAt' });
  }
}
