import { afterEach, expect, it } from '@jest/globals';
import { dependencies, dependency, type ResilientHttp } from '@annals/resilience';
import { Controller, Get, Inject, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { rememberCallers } from '../http/caller.js';
import { ProblemDetailsFilter } from '../http/problem-details.filter.js';
import { Guarded, guardedSignal } from './guarded.decorator.js';
import { InjectHttp, ResilienceModule } from './resilience.module.js';

let app: NestFastifyApplication | undefined;
afterEach(async () => {
  await app?.close();
  app = undefined;
});

async function start(module: new () => object): Promise<string> {
  app = await NestFactory.create<NestFastifyApplication>(module, new FastifyAdapter(), {
    logger: false,
    abortOnError: false,
  });
  rememberCallers(app.getHttpAdapter().getInstance());
  app.useGlobalFilters(new ProblemDetailsFilter());
  await app.listen(0, '127.0.0.1');
  return app.getUrl();
}

it('guards methods, says over HTTP that a circuit is open and until when, and keeps what Nest knows of the method', async () => {
  const cards = dependency('cards', { timeout: 50, circuit: { failures: 2 } });
  let asked = 0;

  @Injectable()
  class Cards {
    @Guarded('cards')
    charge(): Promise<never> {
      asked++;
      return new Promise((_, reject) => guardedSignal()?.addEventListener('abort', () => reject(new Error('aborted'))));
    }
  }
  @Controller()
  class CardsController {
    constructor(@Inject(Cards) private readonly cards: Cards) {}

    @Guarded('cards')
    @Get('never')
    never(): Promise<string> {
      return Promise.resolve('guarded');
    }

    @Get('charge')
    charge(): Promise<never> {
      return this.cards.charge();
    }
  }
  @Module({
    imports: [ResilienceModule.register([cards])],
    controllers: [CardsController],
    providers: [Cards],
  })
  class Shop {}

  const url = await start(Shop);
  expect(await (await fetch(`${url}/never`)).text()).toBe('guarded');
  for (let i = 0; i < 2; i++) {
    const answer = await fetch(`${url}/charge`);
    expect([answer.status, await answer.json()]).toMatchObject([503, { code: 'DEPENDENCY_TIMEOUT', timeoutMs: 50 }]);
  }
  const refused = await fetch(`${url}/charge`);
  expect([refused.status, await refused.json()]).toMatchObject([
    503,
    { code: 'CIRCUIT_OPEN', dependency: 'cards', nextTryAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) },
  ]);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(29);
  expect(asked).toBe(2);
});

it('injects HTTP clients, which pass on who asked', async () => {
  @Controller()
  class Upstream {
    constructor(@InjectHttp('upstream') private readonly http: ResilientHttp) {}

    @Get('ask')
    async ask(): Promise<unknown> {
      return (await this.http.request({ path: '/mirror' })).json();
    }
  }
  const { createServer } = await import('node:http');
  const mirror = createServer((request, response) => response.end(JSON.stringify(request.headers)));
  await new Promise<void>((listening) => mirror.listen(0, '127.0.0.1', listening));
  const { port } = mirror.address() as { port: number };

  @Module({
    imports: [ResilienceModule.register([dependency('upstream', { url: `http://127.0.0.1:${port}` })])],
    controllers: [Upstream],
  })
  class Shop {}
  const url = await start(Shop);
  const seen: unknown = await (await fetch(`${url}/ask`, { headers: { authorization: 'Bearer mine' } })).json();
  expect(seen).toMatchObject({ authorization: 'Bearer mine' });
  await app?.close();
  app = undefined;
  await new Promise((closed) => mirror.close(closed));
});

it('stops the boot when a policy cannot work', async () => {
  const broken = dependency('broken', { timeout: -1 });
  @Module({ imports: [ResilienceModule.register([broken])] })
  class Shop {}
  await expect(start(Shop)).rejects.toMatchObject({
    code: 'RESILIENCE_INVALID_POLICY',
    problems: ['broken: timeout -1 is not a whole number from 1 to 86400000.'],
  });
  expect(() => dependencies.check()).toThrow();
});
