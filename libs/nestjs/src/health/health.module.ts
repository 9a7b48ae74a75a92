/** `/health/live`, `/health/ready`, and an end that says so first; for any app. */
import { Inject, Injectable, Module, type DynamicModule, type OnModuleDestroy, type Type } from '@nestjs/common';
import { HttpAdapterHost, ModuleRef } from '@nestjs/core';
import { HealthCheckService, HealthIndicatorService, TerminusModule } from '@nestjs/terminus';
import type { FastifyInstance } from 'fastify';
import { setTimeout as delay } from 'node:timers/promises';
import { readEnvironment } from '../environment.js';
import { nestLog } from '../nest-log.js';
import { HealthController } from './health.controller.js';
import type { HealthPart } from './health-part.js';
import { HealthSettings } from './health-settings.js';
import { Readiness } from './readiness.js';

/** What readiness depends on; asked for when the first question comes. */
export type PartsOf<Source> = (source: Source, settings: HealthSettings) => readonly HealthPart[];

/** Requests in flight get so long to be finished, in ms; then their connections are closed (G12). */
const finishWithinMs = 4_000;

/**
 * What SIGTERM begins with: not ready any more, and, while balancers notice, still serving. After that no new connections
 * are taken, what is in flight is finished, and the rest of the app ends.
 */
@Injectable()
class Drain implements OnModuleDestroy {
  constructor(
    private readonly readiness: Readiness,
    private readonly settings: HealthSettings,
    @Inject(HttpAdapterHost) private readonly http: HttpAdapterHost,
  ) {}

  async onModuleDestroy(): Promise<void> {
    this.readiness.drain();
    const fastify = this.http.httpAdapter?.getInstance<FastifyInstance | undefined>();
    await delay(this.settings.drainMs);
    if (fastify?.server.listening) setTimeout(() => fastify.server.closeAllConnections(), finishWithinMs).unref();
  }
}

@Module({})
export class HealthModule {
  /** @param source the provider that the parts are made from */
  static register<Source>(source: Type<Source>, parts: PartsOf<Source>): DynamicModule {
    return {
      module: HealthModule,
      imports: [TerminusModule.forRoot({ logger: false })],
      controllers: [HealthController],
      providers: [
        { provide: HealthSettings, useFactory: () => readEnvironment(HealthSettings, process.env) },
        {
          provide: Readiness,
          inject: [ModuleRef, HealthSettings, HealthCheckService, HealthIndicatorService],
          useFactory: (
            modules: ModuleRef,
            settings: HealthSettings,
            terminus: HealthCheckService,
            indicators: HealthIndicatorService,
          ) => {
            const partsOf = () => parts(modules.get<Source>(source, { strict: false }), settings);
            const { timeoutMs } = settings;
            return new Readiness({ partsOf, timeoutMs, terminus, indicators, log: nestLog('Health') });
          },
        },
        Drain,
      ],
      exports: [Readiness],
    };
  }
}

/** Answers say that their connection ends with them while the app drains, so that clients go elsewhere. */
export const announceDraining = (fastify: FastifyInstance, readiness: Pick<Readiness, 'isDraining'>): void =>
  void fastify.addHook('onSend', (_request, reply, _payload, done) => {
    if (readiness.isDraining) void reply.header('connection', 'close');
    done();
  });
