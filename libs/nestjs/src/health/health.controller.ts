import { Controller, Get, HttpCode, ServiceUnavailableException } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { ContextRuntime } from '../context-runtime.js';
import { Public } from '../security/access.decorators.js';

/** Liveness: the process answers. Readiness: it can do its work now; if not, which part is missing and why. */
@Controller('health')
@Public()
@ApiExcludeController()
export class HealthController {
  constructor(private readonly runtime: ContextRuntime) {}

  @Get('live')
  @HttpCode(200)
  live(): { status: 'ok' } {
    return { status: 'ok' };
  }

  @Get('ready')
  ready(): { status: 'ok' } {
    const problems = this.runtime.problems();
    if (problems.length > 0) throw new ServiceUnavailableException({ message: problems });
    return { status: 'ok' };
  }
}
