/** A context's reactors over HTTP: how they go, what each has parked, another try, passing over. */
import { Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { ParkedReaction, ParkedStream } from '../commands/reactor-parking.js';
import type { ReactionRetry, ReactorStatus } from '../commands/reactors.js';
import { ContextRuntime } from '../context-runtime.js';
import { Roles } from '../security/access.decorators.js';
import { operatorRole } from '../security/principal.js';
import { asJson, type AsJson } from './as-json.js';

@Controller('admin/reactors')
@Roles(operatorRole)
@ApiTags('admin')
export class ReactorsController {
  constructor(private readonly runtime: ContextRuntime) {}

  @Get()
  @ApiOperation({ summary: 'How every reactor goes, as far as this instance knows' })
  async status(): Promise<AsJson<ReactorStatus>[]> {
    return asJson(await this.runtime.reactors.status());
  }

  @Get(':name/parked')
  @ApiOperation({ summary: 'The first event of each stream that stands still' })
  async parked(@Param('name') name: string): Promise<AsJson<ParkedStream>[]> {
    return asJson(await this.runtime.reactors.parkedStreams(name));
  }

  @Get(':name/parked/:id')
  @ApiOperation({ summary: 'A parked event with all that waits with it, in order' })
  async show(@Param('name') name: string, @Param('id') id: string): Promise<AsJson<ParkedReaction>[]> {
    return asJson([...(await this.runtime.reactors.waitingWith(name, id))]);
  }

  @Post(':name/parked/:id/retry')
  @HttpCode(200)
  @ApiOperation({ summary: 'Give the reactor a parked event and those behind it again' })
  retry(@Param('name') name: string, @Param('id') id: string): Promise<ReactionRetry> {
    return this.runtime.reactors.retry(name, id);
  }

  @Post(':name/parked/:id/skip')
  @HttpCode(200)
  @ApiOperation({ summary: 'Pass over a parked event for good' })
  skip(@Param('name') name: string, @Param('id') id: string): Promise<ReactionRetry> {
    return this.runtime.reactors.skip(name, id);
  }
}
