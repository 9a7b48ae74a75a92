import { Controller, Get, HttpCode } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { NotReady } from '../errors.js';
import { Public } from '../security/access.decorators.js';
import { Readiness, type Health } from './readiness.js';

/** Liveness: the process answers. Readiness: it can do its work now; if not, which part is missing and why. */
@Controller('health')
@Public()
@ApiExcludeController()
export class HealthController {
  constructor(private readonly readiness: Readiness) {}

  @Get('live')
  @HttpCode(200)
  live(): { status: 'ok' } {
    return { status: 'ok' };
  }

  /** @throws NotReady */
  @Get('ready')
  async ready(): Promise<Health> {
    const health = await this.readiness.health();
    if (health.status === 'down' || health.status === 'draining') throw new NotReady(health.status, health.parts);
    return health;
  }
}
