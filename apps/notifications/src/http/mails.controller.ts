import { operatorRole, Roles, serviceRole, type Page } from '@annals/nestjs';
import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { MailRow } from '../read-models/mail/mail.entity.js';
import { MailQueries } from '../read-models/mail/mail.queries.js';
import { MailsQuery } from './mails.requests.js';

@Controller('mails')
@Roles(operatorRole, serviceRole)
@ApiTags('mails')
export class MailsController {
  constructor(private readonly mails: MailQueries) {}

  @Get()
  @ApiOperation({ summary: 'Mails, the last changed first' })
  @ApiOkResponse({ type: [MailRow] })
  all(@Query() { orderId, status, limit, cursor }: MailsQuery): Promise<Page<MailRow>> {
    return this.mails.page({ where: { orderId, status }, limit, cursor });
  }

  @Get(':mailId')
  @ApiOperation({ summary: 'What became of one mail, for instance o-1001.order-confirmed' })
  @ApiOkResponse({ type: MailRow })
  byId(@Param('mailId') mailId: string): Promise<MailRow> {
    return this.mails.byId(mailId);
  }
}
