import { PagingQuery } from '@annals/nestjs';
import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional, Matches } from 'class-validator';
import { mailStatuses, type MailStatus } from '../read-models/mail/mail.entity.js';

export class MailsQuery extends PagingQuery {
  @IsOptional()
  @Matches(/^[\w.:-]{1,100}$/, { message: 'orderId must be 1 to 100 letters, digits, or . : _ -' })
  @ApiPropertyOptional({ description: 'Only mails about this order', example: 'o-1001' })
  orderId?: string;

  @IsOptional()
  @IsIn(mailStatuses)
  @ApiPropertyOptional({ enum: mailStatuses, example: 'given-up' })
  status?: MailStatus;
}
