import { IsInt, Max, Min } from 'class-validator';
import { FromEnvironment } from '../environment.js';

export class HealthSettings {
  @FromEnvironment({
    name: 'HEALTH_TIMEOUT_MS',
    as: 'number',
    about: 'within that each part must answer when it is asked how it is',
  })
  @IsInt({ message: 'HEALTH_TIMEOUT_MS must be a whole number of milliseconds' })
  @Min(50, { message: 'HEALTH_TIMEOUT_MS must be 50 to 30000' })
  @Max(30_000, { message: 'HEALTH_TIMEOUT_MS must be 50 to 30000' })
  timeoutMs: number = 2_000;

  @FromEnvironment({
    name: 'HEALTH_LAG_MS',
    as: 'number',
    about: 'a read model that is behind by more than that makes the app `degraded`',
  })
  @IsInt({ message: 'HEALTH_LAG_MS must be a whole number of milliseconds' })
  @Min(0, { message: 'HEALTH_LAG_MS must be 0 or more' })
  lagMs: number = 10_000;

  @FromEnvironment({
    name: 'SHUTDOWN_DRAIN_MS',
    as: 'number',
    about:
      'for so long an app that was asked to end (SIGTERM) goes on serving while it says that it is not ready, so that load balancers turn away first',
  })
  @IsInt({ message: 'SHUTDOWN_DRAIN_MS must be a whole number of milliseconds' })
  @Min(0, { message: 'SHUTDOWN_DRAIN_MS must be 0 to 5000: all must be over within 10 s' })
  @Max(5_000, { message: 'SHUTDOWN_DRAIN_MS must be 0 to 5000: all must be over within 10 s' })
  drainMs: number = 0;
}
