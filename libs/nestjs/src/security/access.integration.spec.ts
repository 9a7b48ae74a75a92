/** Who gets in where, tried over HTTP on an app that is no bounded context (as a gateway is none). */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { currentContext } from '@annals/core';
import { Controller, Get, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import {
  Caller,
  currentPrincipal,
  IdempotencyKey,
  localToken,
  openConversations,
  ProblemDetailsFilter,
  Public,
  Roles,
  secureHttp,
  SecurityModule,
  type Principal,
} from '../index.js';

@Controller('things')
class ThingsController {
  @Get('mine')
  mine(@Caller() caller: Principal) {
    return { caller, current: currentPrincipal(), actor: currentContext()?.actor };
  }

  @Public()
  @Get('public')
  open() {
    return { subject: currentPrincipal()?.subject ?? 'nobody' };
  }

  @Roles('clerk', 'operator')
  @Post('clerks')
  clerks() {
    return {};
  }

  @Post('key')
  key(@IdempotencyKey() key: string | undefined) {
    return { key };
  }
}

@Public()
@Controller('shown')
class ShownController {
  @Get()
  all() {
    return {};
  }

  @Roles('clerk')
  @Get('not')
  some() {
    return {};
  }
}

@Public()
@Controller('admin/forgotten')
class ForgottenController {
  @Get()
  all() {
    return { secret: true };
  }
}

@Module({
  imports: [SecurityModule.register('things')],
  controllers: [ThingsController, ShownController, ForgottenController],
})
class ThingsModule {}

let app: NestFastifyApplication;
let url: string;
beforeAll(async () => {
  app = await NestFactory.create<NestFastifyApplication>(ThingsModule, new FastifyAdapter(), { logger: false });
  const fastify = app.getHttpAdapter().getInstance();
  openConversations(fastify);
  secureHttp(app, fastify);
  fastify.get('/admin/raw', () => ({ secret: true }));
  app.useGlobalFilters(new ProblemDetailsFilter());
  await app.listen(0, '127.0.0.1');
  url = await app.getUrl();
});
afterAll(() => app.close());

const tokenOf = (subject: string, ...roles: string[]) => localToken({ subject, roles }, 60);

async function call(method: string, path: string, authorization?: string, headers: Record<string, string> = {}) {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { ...headers, ...(authorization && { authorization }) },
  });
  const body = (await response.json()) as Record<string, unknown>;
  return {
    status: response.status,
    challenge: response.headers.get('www-authenticate'),
    headers: response.headers,
    body,
  };
}

describe('a route', () => {
  it('needs a token when nothing is said', async () => {
    const refused = await call('GET', '/things/mine');
    expect(refused).toMatchObject({
      status: 401,
      challenge: 'Bearer realm="annals"',
      body: { code: 'NESTJS_NOT_AUTHENTICATED', status: 401, correlationId: expect.any(String) },
    });
    expect(refused.headers.get('content-type')).toContain('application/problem+json');
    expect(await call('GET', '/things/mine', `Bearer ${await tokenOf('ann')}`)).toMatchObject({ status: 200 });
  });

  it.each(['Basic YWRtaW46YWRtaW4=', 'Bearer', 'Bearer ', 'Bearer a b', 'Bearer x', 'Bearer a.b.c', 'bearer:x', '{}'])(
    'refuses %s, and says what is wrong',
    async (authorization) => {
      const { status, challenge, body } = await call('GET', '/things/mine', authorization);
      expect({ status, code: body['code'] }).toEqual({ status: 401, code: 'NESTJS_INVALID_TOKEN' });
      expect(challenge).toMatch(/^Bearer realm="annals", error="invalid_token", error_description="[^"]+"$/);
    },
  );

  it('knows its caller, who is also the actor of what follows', async () => {
    const token = await tokenOf('ann', 'clerk');
    const caller = { subject: 'ann', roles: ['clerk'] };
    const { body } = await call('GET', '/things/mine', `Bearer ${token}`);
    expect(body).toEqual({ caller, current: caller, actor: 'ann' });
  });

  it('keeps the callers of requests at the same time apart', async () => {
    const names = Array.from({ length: 40 }, (_, index) => `ann-${index}`);
    const answers = await Promise.all(
      names.map(async (name) => (await call('GET', '/things/mine', `Bearer ${await tokenOf(name)}`)).body['actor']),
    );
    expect(answers).toEqual(names);
  });

  it('that is public answers everybody, whatever token comes with the request', async () => {
    expect((await call('GET', '/things/public')).body).toEqual({ subject: 'nobody' });
    expect((await call('GET', '/things/public', 'Bearer x')).body).toEqual({ subject: 'nobody' });
    expect((await call('GET', '/things/public', `Bearer ${await tokenOf('ann')}`)).body).toEqual({ subject: 'ann' });
    expect((await call('GET', '/shown')).status).toBe(200);
  });

  it('with roles lets in whoever has one of them; the method says more than the class', async () => {
    for (const role of ['clerk', 'operator'])
      expect((await call('POST', '/things/clerks', `Bearer ${await tokenOf('ann', role)}`)).status).toBe(201);
    for (const roles of [[], ['customer'], ['Clerk'], ['service']])
      expect(await call('POST', '/things/clerks', `Bearer ${await tokenOf('ann', ...roles)}`)).toMatchObject({
        status: 403,
        challenge: 'Bearer realm="annals", error="insufficient_scope"',
        body: { code: 'NESTJS_ACCESS_DENIED', needed: 'the role clerk or operator' },
      });
    expect((await call('GET', '/shown/not')).status).toBe(401);
  });

  it.each([
    '/admin/forgotten',
    '/admin/raw',
    '/admin/forgotten?x=1',
    '//admin/forgotten',
    '/admin//forgotten',
    '/%61dmin/raw',
  ])('below /admin is for operators, whoever made it: %s', async (path) => {
    for (const authorization of [undefined, `Bearer ${await tokenOf('ann', 'customer', 'service')}`]) {
      const { status, body } = await call('GET', path, authorization);
      expect([401, 403, 404]).toContain(status);
      expect(body).not.toHaveProperty('secret');
    }
    const operators = await call('GET', path, `Bearer ${await tokenOf('op', 'operator')}`);
    expect([200, 404]).toContain(operators.status);
  });

  it('that does not exist is 404 for everybody', async () => {
    expect((await call('GET', '/nowhere')).status).toBe(404);
  });
});

describe('an Idempotency-Key', () => {
  it("is its sender's: the same key of another is another", async () => {
    const keyOf = async (name: string) =>
      (await call('POST', '/things/key', `Bearer ${await tokenOf(name)}`, { 'idempotency-key': 'k-1' })).body['key'];
    const [anns, annsAgain, bobs] = [await keyOf('ann'), await keyOf('ann'), await keyOf('bob')];
    expect(anns).toEqual(expect.any(String));
    expect(annsAgain).toBe(anns);
    expect(bobs).not.toBe(anns);
  });
});
