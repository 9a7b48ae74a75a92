/** What every context's `main.ts` does: the app with its HTTP edge, its messages, and an orderly end. */
import 'reflect-metadata';
import { isCodedError } from '@annals/core';
import { OriginalErrors } from '@annals/messaging';
import { Logger, ValidationPipe, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestMicroservice } from '@nestjs/microservices';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { contextMapOf } from './bounded-context.module.js';
import { TELEMETRY } from './context-parts.js';
import { ContextRuntime } from './context-runtime.js';
import { PortTaken } from './errors.js';
import { rememberCallers } from './http/caller.js';
import { openConversations } from './http/correlation.js';
import { ProblemDetailsFilter } from './http/problem-details.filter.js';
import { offerReadYourWrites } from './http/read-your-writes.js';
import { observeRequests } from './observability/http-requests.js';
import { serveMetrics } from './observability/metrics-endpoint.js';
import { structuredLogger } from './observability/structured-logger.js';
import type { Telemetry } from './observability/telemetry.js';
import { portVariable, Settings } from './settings.js';

export interface RunContextOptions {
  /** HTTP port when the environment names none. */
  readonly port: number;
}

/** Largest request body, in bytes. */
const bodyLimit = 1024 * 1024;

/** How long an orderly end may take (G12). */
const endWithinMs = 8_000;

/** Creates the app without listening; tests call this. @throws InvalidContextMap, InvalidSettings */
export async function createContext(module: Type<object>): Promise<NestFastifyApplication> {
  const adapter = new FastifyAdapter({ bodyLimit, forceCloseConnections: true });
  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, {
    logger: await structuredLogger(contextMapOf(module).name, process.env),
    abortOnError: false,
  });
  const fastify = app.getHttpAdapter().getInstance();
  openConversations(fastify);
  observeRequests(fastify);
  serveMetrics(fastify, app.get<Telemetry>(TELEMETRY));
  rememberCallers(fastify);
  offerReadYourWrites(fastify, app.get(ContextRuntime).projections);
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
export async function runContext(module: Type<object>, options: RunContextOptions): Promise<void> {
  const logger = new Logger('Context');
  try {
    const app = await createContext(module);
    endInTime(logger);
    const { name } = contextMapOf(module);
    serveOpenApi(app, name);
    const { host, port = options.port } = app.get(Settings);
    // Handlers are bound when the app is initialised, and must be before the first message comes.
    await app.init();
    await app.startAllMicroservices();
    await listen(app, port, host, portVariable(name));
    logger.log(`${name} listens on ${await app.getUrl()}`);
  } catch (error) {
    logger.error(isCodedError(error) ? `${error.code}: ${error.message}` : error);
    process.exit(1);
  }
}

/**
 * An orderly end that cannot be had (a part is gone, and something waits for it) is cut short: all that is acknowledged
 * is on disk, and the next start goes on from the checkpoints.
 */
function endInTime(logger: Logger): void {
  const giveUp = () =>
    setTimeout(() => {
      logger.error(
        `Not everything could be ended within ${endWithinMs} ms; ending anyway. The next start goes on from here.`,
      );
      process.exit(1);
    }, endWithinMs).unref();
  process.once('SIGTERM', giveUp).once('SIGINT', giveUp);
}

/** OpenAPI as a page at `/docs` and as a document at `/docs-json`. */
function serveOpenApi(app: NestFastifyApplication, title: string): void {
  const outline = new DocumentBuilder().setTitle(title).setVersion('1').build();
  SwaggerModule.setup('docs', app, () => SwaggerModule.createDocument(app, outline));
}

async function listen(app: NestFastifyApplication, port: number, host: string, variable: string): Promise<void> {
  try {
    await app.listen(port, host);
  } catch (error) {
    throw (error as { code?: unknown }).code === 'EADDRINUSE' ? new PortTaken(port, variable) : error;
  }
}
