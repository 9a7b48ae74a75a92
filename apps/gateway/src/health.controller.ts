import { operatorRole, Roles } from '@annals/nestjs';
import { Dependencies, type DependencyState } from '@annals/resilience';
import { Controller, Get } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { SkipThrottle } from '@nestjs/throttler';

/** For operators: the circuits of the contexts behind the gateway. */
@Controller('health/contexts')
@Roles(operatorRole)
@SkipThrottle()
@ApiExcludeController()
export class ContextsHealthController {
  constructor(private readonly dependencies: Dependencies) {}

  @Get()
  contexts(): Pick<DependencyState, 'name' | 'circuit' | 'nextTryAt'>[] {
    return this.dependencies.states().map(({ name, circuit, nextTryAt }) => ({
      name,
      circuit,
      ...(nextTryAt !== undefined && { nextTryAt }),
    }));
  }
}
