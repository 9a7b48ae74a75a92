/** What every context's `main.ts` does: the app with its HTTP edge, its messages, and an orderly end. */
import 'reflect-metadata';
import { OriginalErrors } from '@annals/messaging';
import { ValidationPipe, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestMicroservice } from '@nestjs/microservices';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { contextMapOf } from './bounded-context.module.js';
import { TELEMETRY } from './context-parts.js';
import { ContextRuntime } from './context-runtime.js';
import { announceDraining } from './health/health.module.js';
import { Readiness } from './health/readiness.js';
import { rememberCallers } from './http/caller.js';
import { openConversations } from './http/correlation.js';
import { offerEntityTags } from './http/entity-tags.js';
import { ProblemDetailsFilter } from './http/problem-details.filter.js';
import { refuseDeepBodies, requestLimits } from './http/limits.js';
import { offerReadYourWrites } from './http/read-your-writes.js';
import { observeRequests } from './observability/http-requests.js';
import { serveMetrics } from './observability/metrics-endpoint.js';
import { structuredLogger } from './observability/structured-logger.js';
import type { Telemetry } from './observability/telemetry.js';
import { listen, runProcess } from './run-process.js';
import { secureHttp } from './security/security.module.js';
import { portVariable, Settings } from './settings.js';

export interface RunContextOptions {
  /** HTTP port when the environment names none. */
  readonly port: number;
}

/** Creates the app without listening; tests call this. @throws InvalidContextMap, InvalidSettings */
export async function createContext(module: Type<object>): Promise<NestFastifyApplication> {
  const adapter = new FastifyAdapter({ ...requestLimits, forceCloseConnections: 'idle' });
  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, {
    logger: await structuredLogger(contextMapOf(module).name, process.env),
    abortOnError: false,
  });
  const fastify = app.getHttpAdapter().getInstance();
  openConversations(fastify);
  observeRequests(fastify);
  serveMetrics(fastify, app.get<Telemetry>(TELEMETRY));
  secureHttp(app, fastify);
  rememberCallers(fastify);
  refuseDeepBodies(fastify);
  announceDraining(fastify, app.get(Readiness));
  offerReadYourWrites(fastify, app.get(ContextRuntime).projections);
  offerEntityTags(fastify);
  app
    .useGlobalPipes(new ValidationPipe({ whitelist: true, forbidNonWhitelisted: true, transform: true }))
    .useGlobalFilters(new ProblemDetailsFilter())
    .enableShutdownHooks([], { useProcessExit: true });
  const { integration: strategy } = app.get(ContextRuntime);
  // Deferred, because filters count only for handlers that are bound after them; the hooks are the application's.
  const messages = app.connectMicroservice({ strategy }, { deferInitialization: true }) as NestMicroservice;
  messages.setIsInitHookCalled(true);
  messages.useGlobalFilters(new OriginalErrors());
  return app;
}

/** Creates the context and listens; on failure says why and ends the process with exit code 1. */
export const runContext = (module: Type<object>, options: RunContextOptions): Promise<void> =>
  runProcess(async (logger) => {
    const app = await createContext(module);
    const { name } = contextMapOf(module);
    serveOpenApi(app, name);
    const { host, port = options.port } = app.get(Settings);
    // Handlers are bound when the app is initialised, and must be before the first message comes.
    await app.init();
    await app.startAllMicroservices();
    await listen(app, port, host, portVariable(name));
    logger.log(`${name} listens on ${await app.getUrl()}`);
  });

/** OpenAPI as a page at `/docs` and as a document at `/docs-json`. */
function serveOpenApi(app: NestFastifyApplication, title: string): void {
  const outline = new DocumentBuilder()
    .setTitle(title)
    .setVersion('1')
    .addBearerAuth()
    .addSecurityRequirements('bearer')
    .build();
  SwaggerModule.setup('docs', app, () => SwaggerModule.createDocument(app, outline));
}
