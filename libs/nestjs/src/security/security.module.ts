/** Authentication and authorisation for an app, a bounded context or not: import it, and call `secureHttp` at boot. */
import { Module, type DynamicModule, type INestApplicationContext, type Provider } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import { nestLog } from '../nest-log.js';
import { AccessGuard } from './access.guard.js';
import { authenticateRequests } from './authentication.js';
import { readTrust, type Trust } from './security-settings.js';
import { ServiceTokens } from './service-tokens.js';
import { TokenVerifier } from './token-verifier.js';

@Module({})
export class SecurityModule {
  /**
   * The guard of all HTTP routes, and `TokenVerifier` and `ServiceTokens` for whoever injects them.
   * @param service name of this service, as others are to see it
   * @param trust whose tokens are trusted; default: what the environment says
   */
  static register(service: string, trust: () => Trust = () => readTrust(process.env)): DynamicModule {
    const exported: Provider[] = [
      { provide: TokenVerifier, useFactory: () => TokenVerifier.open(trust(), nestLog('Security')) },
      {
        provide: ServiceTokens,
        inject: [TokenVerifier],
        useFactory: (verifier: TokenVerifier) => new ServiceTokens(verifier, service),
      },
    ];
    return {
      module: SecurityModule,
      global: true,
      providers: [...exported, { provide: APP_GUARD, useClass: AccessGuard }],
      exports: [TokenVerifier, ServiceTokens],
    };
  }
}

/** To be called after the hooks that open conversations, and before any that trusts the request. */
export const secureHttp = (app: INestApplicationContext, fastify: FastifyInstance): void =>
  authenticateRequests(fastify, app.get(TokenVerifier));
