/** All that the gateway is made of besides its routes (routes.ts). */
import { circuits, HealthModule, HttpClients, nestLog, ResilienceModule, SecurityModule } from '@annals/nestjs';
import { Dependencies, type Dependency } from '@annals/resilience';
import {
  Module,
  type DynamicModule,
  type ExecutionContext,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { ThrottlerGuard, ThrottlerModule } from '@nestjs/throttler';
import type { FastifyRequest } from 'fastify';
import { contexts, legacyShop } from './dependencies.js';
import type { GatewaySettings } from './gateway.settings.js';
import { ContextsHealthController } from './health.controller.js';
import { MergedOpenApi } from './open-api/merged-open-api.js';
import { OrderDetailsController } from './order-details/order-details.controller.js';
import { Upstream } from './pass-through/upstream.js';
import { clientOf } from './rate-limit/client.js';
import { RateLimiter } from './rate-limit/rate-limiter.js';
import { routes } from './routes.js';
import { RuleBook } from './strangler/rule-book.js';
import { Shadows } from './strangler/shadows.js';
import { StranglerController } from './strangler/strangler.controller.js';

export const minuteMs = 60_000;

/** Balancers ask as often as they like. */
const isProbe = (context: ExecutionContext): boolean =>
  context.switchToHttp().getRequest<FastifyRequest>().routeOptions.url?.startsWith('/health/') ?? false;

/** The connections that pass-through goes by. */
export class Upstreams implements OnApplicationShutdown {
  private readonly open = new Map<string, Upstream>();

  /** @throws NoUrl */
  readonly of = (dependency: Dependency): Upstream => {
    const upstream = this.open.get(dependency.name) ?? new Upstream(dependency);
    this.open.set(dependency.name, upstream);
    return upstream;
  };

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([...this.open.values()].map((upstream) => upstream.close()));
  }
}

@Module({})
export class GatewayModule implements OnModuleInit, OnApplicationShutdown {
  constructor(private readonly rules: RuleBook) {}

  static register({ rateLimit, rulesFile }: GatewaySettings): DynamicModule {
    const limiter = new RateLimiter();
    const strangled = routes.filter(({ legacy }) => legacy?.settings.url !== undefined).map(({ path }) => path);
    return {
      module: GatewayModule,
      imports: [
        // One context that is away is no reason to send nobody here: the others answer.
        HealthModule.register(Dependencies, () => [{ name: 'circuits', check: circuits }]),
        SecurityModule.register('gateway'),
        ResilienceModule.register([...Object.values(contexts), legacyShop]),
        ThrottlerModule.forRoot({
          throttlers: [{ ttl: minuteMs, limit: rateLimit }],
          skipIf: (context) => rateLimit === 0 || isProbe(context),
          storage: limiter,
          // One count for all that a client asks, here and on the routes of the table.
          getTracker: (request) => Promise.resolve(clientOf(request as unknown as FastifyRequest)),
          generateKey: (_context, client) => client,
        }),
      ],
      controllers: [ContextsHealthController, OrderDetailsController, StranglerController],
      providers: [
        Upstreams,
        { provide: RateLimiter, useValue: limiter },
        { provide: APP_GUARD, useClass: ThrottlerGuard },
        {
          provide: RuleBook,
          useFactory: () => new RuleBook({ file: rulesFile, routes: strangled, log: nestLog('Strangler') }),
        },
        {
          provide: Shadows,
          inject: [HttpClients],
          useFactory: (http: HttpClients) => new Shadows(routes, (name) => http.of(name), nestLog('Strangler')),
        },
        {
          provide: MergedOpenApi,
          inject: [HttpClients],
          useFactory: (http: HttpClients) =>
            new MergedOpenApi({ routes, clientOf: (name) => http.of(name), log: nestLog('OpenApi') }),
        },
      ],
    };
  }

  async onModuleInit(): Promise<void> {
    await this.rules.open();
  }

  onApplicationShutdown(): void {
    this.rules.close();
  }
}
