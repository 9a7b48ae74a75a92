/** The instances of a context's sagas over HTTP: where they stand, what happened, another try, giving up. */
import type { InstanceDesk, InstanceDetails, InstanceState, InstanceSummary } from '@annals/sagas';
import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsIn, IsNotEmpty, IsOptional, IsString, MaxLength } from 'class-validator';
import { ContextRuntime } from '../context-runtime.js';
import { NotFound } from '../errors.js';
import { LimitQuery } from '../http/limit.query.js';
import { asJson, type AsJson } from './as-json.js';

const states = [
  ...(['running', 'compensating', 'failing', 'stuck'] as const),
  ...(['completed', 'compensated', 'compensated-with-failures', 'cancelled'] as const),
] satisfies readonly InstanceState[];

class InstancesQuery extends LimitQuery {
  @IsOptional()
  @IsString()
  saga?: string;

  /** One or more, separated by commas. */
  @IsOptional()
  @Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? value.split(',') : value))
  @IsIn(states, { each: true })
  state?: InstanceState[];
}

class CancelBody {
  @IsString()
  @IsNotEmpty()
  @MaxLength(500)
  reason!: string;
}

@Controller('admin/sagas')
@ApiTags('admin')
export class SagasController {
  constructor(private readonly runtime: ContextRuntime) {}

  @Get()
  @ApiOperation({ summary: 'Instances, the latest changed first' })
  async list(@Query() { saga, state, limit }: InstancesQuery): Promise<AsJson<InstanceSummary>[]> {
    const filter = { ...(saga !== undefined && { saga }), ...(state && { states: state }), ...(limit && { limit }) };
    return asJson((await this.runtime.sagas?.instances.list(filter)) ?? []);
  }

  @Get(':saga/:id')
  @ApiOperation({ summary: 'One instance with everything that happened' })
  async show(@Param('saga') saga: string, @Param('id') id: string): Promise<AsJson<InstanceDetails>> {
    return asJson(await this.desk.show(saga, id));
  }

  @Post(':saga/:id/retry')
  @HttpCode(200)
  @ApiOperation({ summary: 'Give a failing or stuck instance another try at once' })
  async retry(@Param('saga') saga: string, @Param('id') id: string): Promise<AsJson<InstanceDetails>> {
    return asJson(await this.desk.retry(saga, id));
  }

  @Post(':saga/:id/cancel')
  @HttpCode(200)
  @ApiOperation({ summary: 'Have an instance give up: steps that are done are undone' })
  async cancel(
    @Param('saga') saga: string,
    @Param('id') id: string,
    @Body() { reason }: CancelBody,
  ): Promise<AsJson<InstanceDetails>> {
    return asJson(await this.desk.cancel(saga, id, reason));
  }

  private get desk(): InstanceDesk {
    if (!this.runtime.sagas) throw new NotFound('This context has no sagas.');
    return this.runtime.sagas.instances;
  }
}
