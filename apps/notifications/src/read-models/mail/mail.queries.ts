import { ReadModelQuery } from '@annals/nestjs';
import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import { MailRow } from './mail.entity.js';

@Injectable()
export class MailQueries extends ReadModelQuery<MailRow> {
  constructor(@InjectRepository(MailRow) repository: Repository<MailRow>) {
    super(repository, { key: 'mailId', sort: 'updatedAt', filters: ['orderId', 'status'] });
  }
}
