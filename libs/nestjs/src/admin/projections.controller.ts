/** Looks after the read models of a context over HTTP; the CLI does the same without the app. */
import {
  RebuildCancelled,
  type ParkedKey,
  type Projections,
  type ProjectionStatus,
  type RetryOutcome,
} from '@annals/projections';
import { Body, Controller, Delete, Get, HttpCode, Logger, Param, Post } from '@nestjs/common';
import { ApiAcceptedResponse, ApiConflictResponse, ApiOperation, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import { IsNumber, IsOptional, IsPositive } from 'class-validator';
import { ContextRuntime } from '../context-runtime.js';
import { Roles } from '../security/access.decorators.js';
import { operatorRole } from '../security/principal.js';
import { asJson, type AsJson } from './as-json.js';

class RebuildBody {
  @IsOptional()
  @IsNumber()
  @IsPositive()
  @ApiPropertyOptional({ description: 'Events per second at most; without it, as fast as it goes', example: 5000 })
  throttle?: number;
}

@Controller('admin/projections')
@Roles(operatorRole)
@ApiTags('admin')
export class ProjectionsController {
  private readonly logger = new Logger('Projections');

  constructor(private readonly runtime: ContextRuntime) {}

  @Get()
  @ApiOperation({ summary: 'Where every read model is' })
  async status(): Promise<AsJson<ProjectionStatus>[]> {
    return asJson(await this.projections.status());
  }

  @Get(':name')
  @ApiOperation({ summary: 'Where one read model is' })
  async one(@Param('name') name: string): Promise<AsJson<ProjectionStatus> | undefined> {
    return asJson((await this.projections.status(name))[0]);
  }

  @Post(':name/rebuild')
  @HttpCode(202)
  @ApiOperation({
    summary: 'Build it again from its events, beside the running one; ask for its status to see how far it is',
  })
  @ApiAcceptedResponse({ description: 'It has begun' })
  @ApiConflictResponse({ description: 'Somebody is at it already: who, and since when' })
  async rebuild(@Param('name') name: string, @Body() { throttle }: RebuildBody): Promise<{ readonly accepted: true }> {
    let begin = () => {};
    const begun = new Promise<void>((resolve) => (begin = resolve));
    const done = this.projections.rebuild(name, {
      onProgress: () => begin(),
      ...(throttle !== undefined && { throttle }),
    });
    // A refusal (unknown name, one is running) comes before any progress; what comes later is in the log and the status.
    done.catch((error: unknown) => {
      if (error instanceof RebuildCancelled) this.logger.log(error.message);
      else this.logger.error(`The rebuild of '${name}' failed: ${String(error)}`);
    });
    await Promise.race([begun, done]);
    return { accepted: true };
  }

  @Delete(':name/rebuild')
  @HttpCode(202)
  @ApiOperation({ summary: 'Cancel the rebuild under way, in whichever process; what it has built is dropped' })
  @ApiAcceptedResponse({ description: 'Whoever is at it has been told' })
  @ApiConflictResponse({ description: 'It is not being rebuilt' })
  async cancelRebuild(@Param('name') name: string): Promise<{ readonly accepted: true }> {
    await this.projections.cancelRebuild(name);
    return { accepted: true };
  }

  @Post(':name/rollback')
  @HttpCode(200)
  @ApiOperation({ summary: 'Serve the build before this one again' })
  async rollback(@Param('name') name: string): Promise<AsJson<ProjectionStatus> | undefined> {
    await this.projections.rollback(name);
    return this.one(name);
  }

  @Post(':name/pause')
  @HttpCode(200)
  @ApiOperation({ summary: 'Stop folding; queries go on' })
  async pause(@Param('name') name: string): Promise<AsJson<ProjectionStatus> | undefined> {
    await this.projections.pause(name);
    return this.one(name);
  }

  @Post(':name/resume')
  @HttpCode(200)
  @ApiOperation({ summary: 'Fold again' })
  async resume(@Param('name') name: string): Promise<AsJson<ProjectionStatus> | undefined> {
    await this.projections.resume(name);
    return this.one(name);
  }

  @Get(':name/parked')
  @ApiOperation({ summary: 'The first event of each key that stands still' })
  async parked(@Param('name') name: string): Promise<AsJson<ParkedKey>[]> {
    return asJson(await this.projections.parked.list(name));
  }

  @Post(':name/parked/:id/retry')
  @HttpCode(200)
  @ApiOperation({ summary: 'Fold a parked event and those behind it again' })
  async retry(@Param('name') name: string, @Param('id') id: string): Promise<AsJson<RetryOutcome>> {
    return asJson(await this.projections.parked.retry(name, id));
  }

  @Post(':name/parked/:id/skip')
  @HttpCode(200)
  @ApiOperation({ summary: 'Pass over a parked event for good' })
  async skip(@Param('name') name: string, @Param('id') id: string): Promise<AsJson<RetryOutcome>> {
    return asJson(await this.projections.parked.skip(name, id));
  }

  private get projections(): Projections {
    return this.runtime.projections;
  }
}
