import { Public } from '@annals/nestjs';
import { Dependencies, type DependencyState } from '@annals/resilience';
import { Controller, Get, HttpCode } from '@nestjs/common';
import { SkipThrottle } from '@nestjs/throttler';
import { ApiExcludeController } from '@nestjs/swagger';

/** One context that is away is no reason to send nobody here: the others answer. */
@Controller('health')
@Public()
@SkipThrottle()
@ApiExcludeController()
export class HealthController {
  constructor(private readonly dependencies: Dependencies) {}

  @Get('live')
  @HttpCode(200)
  live(): { status: 'ok' } {
    return { status: 'ok' };
  }

  @Get('ready')
  ready(): { status: 'ok' } {
    return { status: 'ok' };
  }

  @Get('contexts')
  contexts(): Pick<DependencyState, 'name' | 'circuit' | 'nextTryAt'>[] {
    return this.dependencies.states().map(({ name, circuit, nextTryAt }) => ({
      name,
      circuit,
      ...(nextTryAt !== undefined && { nextTryAt }),
    }));
  }
}
