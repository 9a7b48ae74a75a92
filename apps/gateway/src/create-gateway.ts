/** The gateway as an app: what each request meets before its route, in this order, and the routes. */
import 'reflect-metadata';
import {
  announceDraining,
  Readiness,
  rememberCallers,
  secureHttp,
  observeRequests,
  openConversations,
  serveMetrics,
  startTelemetry,
  structuredLogger,
} from '@annals/nestjs';
import compress from '@fastify/compress';
import cors from '@fastify/cors';
import helmet from '@fastify/helmet';
import { ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { GatewayModule, minuteMs, Upstreams } from './gateway.module.js';
import type { GatewaySettings } from './gateway.settings.js';
import { MergedOpenApi } from './open-api/merged-open-api.js';
import { compressedFromBytes } from './pass-through/compression.js';
import { passThrough } from './pass-through/pass-through.js';
import { GatewayProblems } from './problem.js';
import { RateLimiter } from './rate-limit/rate-limiter.js';
import { routes } from './routes.js';
import { RuleBook } from './strangler/rule-book.js';
import { Shadows } from './strangler/shadows.js';

/** What the gateway itself takes; routes of the table have limits of their own. */
const bodyLimit = 64 * 1024;
/** Within that a request must have come, head and body: nobody keeps a place by being slow. */
const requestWithinMs = 30_000;

/** What web pages of other origins may see of an answer. */
const exposedHeaders = [
  'annals-position',
  'annals-lag',
  'etag',
  'location',
  'retry-after',
  'x-correlation-id',
  'x-served-by',
];

/** Creates the app without listening. @throws InvalidSettings, InvalidPolicy, NoUrl, InvalidRules */
export async function createGateway(
  settings: GatewaySettings,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<NestFastifyApplication> {
  const adapter = new FastifyAdapter({
    bodyLimit,
    forceCloseConnections: 'idle',
    requestTimeout: requestWithinMs,
    ...(settings.trustedProxies.length > 0 && { trustProxy: [...settings.trustedProxies] }),
  });
  const app = await NestFactory.create<NestFastifyApplication>(GatewayModule.register(settings), adapter, {
    logger: await structuredLogger('gateway', environment),
    abortOnError: false,
  });
  await openEdge(app, settings, environment);
  await app.register(
    passThrough({
      routes,
      upstreamOf: app.get(Upstreams).of,
      limiter: app.get(RateLimiter),
      rateLimit: settings.rateLimit === 0 ? undefined : { limit: settings.rateLimit, windowMs: minuteMs },
      rules: app.get(RuleBook),
      shadowOf: (route) => app.get(Shadows).of(route),
    }),
  );
  serveOpenApi(app);
  return app
    .useGlobalPipes(new ValidationPipe({ whitelist: true, forbidNonWhitelisted: true, transform: true }))
    .useGlobalFilters(new GatewayProblems())
    .enableShutdownHooks([], { useProcessExit: true });
}

async function openEdge(
  app: NestFastifyApplication,
  settings: GatewaySettings,
  environment: NodeJS.ProcessEnv,
): Promise<void> {
  const fastify = app.getHttpAdapter().getInstance();
  const telemetry = await startTelemetry('gateway', environment);
  fastify.addHook('onClose', () => telemetry.stop());
  openConversations(fastify);
  observeRequests(fastify);
  serveMetrics(fastify, telemetry);
  secureHttp(app, fastify);
  rememberCallers(fastify);
  announceDraining(fastify, app.get(Readiness));
  await app.register(helmet, { contentSecurityPolicy: { directives: { upgradeInsecureRequests: null } } });
  const { corsOrigins } = settings;
  if (corsOrigins.length > 0)
    await app.register(cors, { origin: corsOrigins.includes('*') ? '*' : [...corsOrigins], exposedHeaders });
  await app.register(compress, {
    globalDecompression: false, // bodies go on as they came
    threshold: compressedFromBytes,
    encodings: ['br', 'gzip', 'deflate', 'identity'],
  });
}

/** One page at `/docs` and one document at `/docs-json` for all contexts. */
function serveOpenApi(app: NestFastifyApplication): void {
  const openApi = app.get(MergedOpenApi);
  const outline = new DocumentBuilder().setTitle('Annals shop').setVersion('1').addBearerAuth().build();
  const own = () => SwaggerModule.createDocument(app, outline);
  SwaggerModule.setup('docs', app, own, {
    // Asked for each request, and may be a promise: the contexts are asked then.
    patchDocumentOnRequest: (_request: unknown, _reply: unknown, document: OpenAPIObject) => openApi.document(document),
  });
}
