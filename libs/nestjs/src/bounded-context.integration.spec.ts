import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Command, decider, DomainError, Event } from '@annals/core';
import { readModel } from '@annals/projections';
import { eventually, testEventStore, testNats, testPostgres } from '@annals/testing';
import { Body, Controller, Get, Injectable, Module, Param, Post, type Type } from '@nestjs/common';
import { CommandBus, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { getRepositoryToken, InjectRepository } from '@nestjs/typeorm';
import { IsString } from 'class-validator';
import { Column, Entity, PrimaryColumn, type Repository } from 'typeorm';
import {
  BoundedContextModule,
  createContext,
  DomainCommandBus,
  IdempotencyKey,
  localToken,
  NoCommandHandler,
  ReadModelQuery,
} from './index.js';

class Lit extends Event('LampLit')<{ lampId: string }> {}
class Light extends Command('LightLamp')<{ lampId: string }> {}
class LightTwo extends Command('LightTwoLamps')<{ lampIds: readonly [string, string] }> {}
class Nobody extends Command('NobodyHandlesThis')<object> {}
class AlreadyLit extends DomainError {
  readonly code = 'LAMP_ALREADY_LIT';
}

const lamp = decider<{ lit: boolean }, Light, Lit>({
  category: 'lamp',
  initial: { lit: false },
  decide: {
    LightLamp: ({ lit }, { data }) => {
      if (lit) throw new AlreadyLit('It burns.');
      return [new Lit(data)];
    },
  },
  evolve: { LampLit: () => ({ lit: true }) },
});

@Entity('lamp_row')
class LampRow {
  @PrimaryColumn('text') lampId!: string;
  @Column('timestamptz') since!: Date;
}
const lampRows = readModel<LampRow, Lit>(LampRow, {
  name: 'lamp-row',
  version: 1,
  key: ({ data }) => data.lampId,
  on: { LampLit: (_, { data }, at) => ({ lampId: data.lampId, since: at.created }) },
});

@CommandHandler(LightTwo)
class LightTwoHandler implements ICommandHandler<LightTwo> {
  constructor(private readonly bus: DomainCommandBus) {}

  async execute({ data }: LightTwo): Promise<string> {
    for (const lampId of data.lampIds) await this.bus.execute(new Light({ lampId }));
    return 'both';
  }
}

class LightBody {
  @IsString() lampId!: string;
}

@Controller('lamps')
class LampsController {
  private readonly rows: ReadModelQuery<LampRow>;

  constructor(
    private readonly commands: DomainCommandBus,
    @InjectRepository(LampRow) rows: Repository<LampRow>,
  ) {
    this.rows = new ReadModelQuery(rows, { key: 'lampId', sort: 'since' });
  }

  @Post()
  async light(@Body() { lampId }: LightBody, @IdempotencyKey() key: string | undefined) {
    const { revision } = await this.commands.execute(new Light({ lampId }, { id: key }));
    return { revision };
  }

  @Get(':lampId')
  async one(@Param('lampId') lampId: string): Promise<LampRow> {
    return this.rows.byId(lampId);
  }

  @Get(':lampId/boom')
  boom(@Param('lampId') lampId: string): never {
    throw new Error(`inside of ${lampId}`);
  }
}

@Injectable()
class OldStyle {
  constructor(readonly bus: CommandBus) {}
}

const context = (name: string, providers: Type<object>[]) => {
  @Module({
    imports: [BoundedContextModule.register({ name, deciders: [lamp], readModels: [lampRows] })],
    controllers: [LampsController],
    providers,
  })
  class LampsModule {}
  return LampsModule;
};

let app: NestFastifyApplication;
let url: string;
let store: Awaited<ReturnType<typeof testEventStore>>;
beforeAll(async () => {
  store = await testEventStore();
  process.env['EVENTSTORE_URL'] = store.url;
  process.env['DATABASE_URL'] = (await testPostgres()).url;
  process.env['NATS_URL'] = (await testNats()).url;
  app = await createContext(context('lamps', [LightTwoHandler, OldStyle]));
  await app.listen(0, '127.0.0.1');
  url = await app.getUrl();
});
afterAll(async () => {
  await app.close();
  await store.close();
});

async function get(path: string, headers: Record<string, string> = {}, init: RequestInit = {}) {
  const authorization = `Bearer ${await localToken({ subject: 'tester', roles: ['operator'] }, 60)}`;
  const response = await fetch(`${url}${path}`, { ...init, headers: { authorization, ...headers } });
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Record<string, unknown>,
  };
}
const post = (path: string, body: object, headers: Record<string, string> = {}) =>
  get(path, { 'content-type': 'application/json', ...headers }, { method: 'POST', body: JSON.stringify(body) });

describe('a bounded context', () => {
  it("carries commands to deciders through Nest's own CommandBus, and fills read models", async () => {
    await app.get(OldStyle).bus.execute(new Light({ lampId: 'old-style' }));
    const rows = app.get<Repository<LampRow>>(getRepositoryToken(LampRow));
    const row = await eventually(() => rows.findOneBy({ lampId: 'old-style' }));
    expect(row.since).toBeInstanceOf(Date);
  });

  it('prefers a @CommandHandler, also for a command that is plain data', async () => {
    const bus = app.get(DomainCommandBus);
    expect(await bus.execute<string>(new LightTwo({ lampIds: ['a', 'b'] }))).toBe('both');
    const plain = { type: 'LightTwoLamps', data: { lampIds: ['c', 'd'] }, metadata: { id: 'x' } };
    expect(await bus.execute<string>(plain)).toBe('both');
  });

  it('says so when nobody handles a command', async () => {
    await expect(app.get(DomainCommandBus).execute(new Nobody({}))).rejects.toThrow(NoCommandHandler);
  });

  it('answers a repeated Idempotency-Key with the first result, and a rejection with 409', async () => {
    const first = await post('/lamps', { lampId: 'http' }, { 'idempotency-key': 'key-1' });
    const again = await post('/lamps', { lampId: 'http' }, { 'idempotency-key': 'key-1' });
    expect([first.status, again.status]).toEqual([201, 201]);
    expect(again.body).toEqual(first.body);
    const rejected = await post('/lamps', { lampId: 'http' }, { 'idempotency-key': 'key-2' });
    expect(rejected.body).toMatchObject({ status: 409, code: 'LAMP_ALREADY_LIT', detail: 'It burns.' });
  });

  it('keeps a sane correlation id, replaces another, and puts it into problems', async () => {
    const kept = await get('/lamps/x/boom', { 'x-correlation-id': 'talk-1' });
    expect(kept.headers.get('x-correlation-id')).toBe('talk-1');
    expect(kept.body).toMatchObject({ status: 500, code: 'INTERNAL_ERROR', correlationId: 'talk-1' });
    expect(JSON.stringify(kept.body)).not.toContain('inside of');
    const replaced = await get('/lamps/x/boom', { 'x-correlation-id': 'no good id' });
    expect(replaced.headers.get('x-correlation-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('lets a query wait for the write that it must see', async () => {
    const { headers } = await post('/lamps', { lampId: 'awaited' });
    const position = headers.get('annals-position') ?? '';
    expect(position).toMatch(/^\d+$/);
    const { status, body } = await get('/lamps/awaited', { 'annals-wait-for': position });
    expect({ status, lampId: body['lampId'] }).toEqual({ status: 200, lampId: 'awaited' });
    expect((await get('/lamps/awaited', { 'annals-wait-for': 'soon' })).status).toBe(400);
  });

  it('answers with what there is, and how old it is, when a read model does not come so far in time', async () => {
    await post('/lamps', { lampId: 'stale' });
    const { status, headers } = await get('/lamps/awaited', { 'annals-wait-for': '999999999999' });
    expect(status).toBe(200);
    expect(headers.get('annals-lag')).toMatch(/^\d+$/);
  });

  it('shows and rebuilds read models under /admin', async () => {
    const [status] = (await get('/admin/projections')).body as unknown as Record<string, unknown>[];
    expect(status).toMatchObject({ name: 'lamp-row', version: 1 });
    expect((await post('/admin/projections/lamp-row/rebuild', {})).status).toBe(202);
    await eventually(
      async () => {
        const { body } = await get('/admin/projections/lamp-row');
        expect(body).toMatchObject({ build: 2, parked: 0 });
        expect(body).not.toHaveProperty('rebuild');
      },
      { within: 20_000 },
    );
    expect((await get('/lamps/awaited')).status).toBe(200);
    expect((await post('/admin/projections/nobody/rebuild', {})).status).toBe(404);
  });

  it('rebuilds no faster than it is told, and cancels that, under /admin', async () => {
    const path = '/admin/projections/lamp-row';
    const rebuilding = async () => (await get(path)).body['rebuild'];
    const cancel = () => get(`${path}/rebuild`, {}, { method: 'DELETE' });
    const { build } = (await get(path)).body;
    expect((await cancel()).body).toMatchObject({ status: 409, code: 'PROJECTIONS_NOTHING_TO_CANCEL' });
    expect((await post(`${path}/rebuild`, { throttle: 0 })).status).toBe(400);

    // At one event in two minutes it does not end by itself.
    expect((await post(`${path}/rebuild`, { throttle: 1 / 120 })).status).toBe(202);
    expect(await rebuilding()).toBeDefined();
    expect((await post(`${path}/rebuild`, {})).body).toMatchObject({
      status: 409,
      code: 'PROJECTIONS_REBUILD_IN_PROGRESS',
    });
    expect((await cancel()).status).toBe(202);
    await eventually(async () => expect(await rebuilding()).toBeUndefined());
    expect((await get(path)).body).toMatchObject({ build, state: 'live' });

    // Nothing of it is left, and no body is needed.
    await eventually(async () => expect((await get(`${path}/rebuild`, {}, { method: 'POST' })).status).toBe(202));
    await eventually(async () => expect((await get(path)).body['build']).not.toBe(build), { within: 20_000 });
  });

  it('is live, and ready when its parts are', async () => {
    expect((await get('/health/live')).status).toBe(200);
    await eventually(async () => expect((await get('/health/ready')).status).toBe(200));
  });
});

describe('a context that contradicts itself', () => {
  @CommandHandler(Light)
  class LightHandler implements ICommandHandler<Light> {
    execute = () => Promise.resolve();
  }
  @CommandHandler(LightTwo)
  class SecondHandler implements ICommandHandler<LightTwo> {
    execute = () => Promise.resolve();
  }

  it.each([
    [
      'a command with a decider and a handler',
      [LightHandler],
      /LightLamp is decided by 'lamp' and handled by LightHandler/,
    ],
    [
      'a command with two handlers',
      [LightTwoHandler, SecondHandler],
      /LightTwo has two handlers, LightTwoHandler and SecondHandler/,
    ],
  ])('does not boot: %s', async (_, providers, text) => {
    const broken = await createContext(context('broken', providers));
    await expect(broken.init()).rejects.toThrow(text);
    await broken.close();
  });
});
