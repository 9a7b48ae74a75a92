/**
 * Readiness of a real context while its real database goes away and comes back, and while the app ends. How long the
 * database is away: ANNALS_OUTAGE_MS (60_000 is what is promised; the default keeps the tests quick).
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, decider, Event } from '@annals/core';
import { freePort, startPostgres, type RunningPart } from '@annals/embedded';
import { readModel } from '@annals/projections';
import { eventually, testEventStore, testNats } from '@annals/testing';
import { Controller, Get, Module, Param, Post } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { InjectRepository } from '@nestjs/typeorm';
import { Column, Entity, PrimaryColumn, type Repository } from 'typeorm';
import { BoundedContextModule, createContext, DomainCommandBus, localToken, Public } from '../index.js';

const outageMs = Number(process.env['ANNALS_OUTAGE_MS'] ?? 1_000);

class Rung extends Event('BellRung')<{ bellId: string }> {}
class Ring extends Command('RingBell')<{ bellId: string }> {}
const bell = decider<object, Ring, Rung>({
  category: 'bell',
  initial: {},
  decide: { RingBell: (_, { data }) => [new Rung(data)] },
  evolve: { BellRung: () => ({}) },
});

@Entity('bell_row')
class BellRow {
  @PrimaryColumn('text') bellId!: string;
  @Column('integer') times!: number;
}
const bells = readModel<BellRow, Rung>(BellRow, {
  name: 'bell-row',
  version: 1,
  key: ({ data }) => data.bellId,
  on: { BellRung: (row, { data }) => ({ bellId: data.bellId, times: (row?.times ?? 0) + 1 }) },
});

let release: () => void = () => undefined;

@Public()
@Controller('bells')
class BellsController {
  constructor(
    private readonly commands: DomainCommandBus,
    @InjectRepository(BellRow) private readonly rows: Repository<BellRow>,
  ) {}

  @Post(':bellId')
  ring(@Param('bellId') bellId: string) {
    return this.commands.execute(new Ring({ bellId })).then(() => ({}));
  }

  @Get('slow')
  slow() {
    return new Promise((resolve) => (release = () => resolve({ finished: true })));
  }

  @Get(':bellId')
  async times(@Param('bellId') bellId: string) {
    return { times: (await this.rows.findOneBy({ bellId }))?.times ?? 0 };
  }
}

@Module({
  imports: [BoundedContextModule.register({ name: 'bells', deciders: [bell], readModels: [bells] })],
  controllers: [BellsController],
})
class BellsModule {}

let folder: string;
let database: RunningPart;
let store: Awaited<ReturnType<typeof testEventStore>>;
let app: NestFastifyApplication;
let url: string;
const start = (port: number) => startPostgres({ port, dataDir: join(folder, 'postgres') });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'annals-health-'));
  await chmod(folder, 0o755); // Postgres' account must be able to enter
  const [running, events, nats, port] = await Promise.all([
    freePort().then(start),
    testEventStore(),
    testNats(),
    freePort(),
  ]);
  [database, store] = [running, events];
  process.env['EVENTSTORE_URL'] = store.url;
  process.env['DATABASE_URL'] = database.url;
  process.env['NATS_URL'] = nats.url;
  process.env['HEALTH_TIMEOUT_MS'] = '1000';
  process.env['SHUTDOWN_DRAIN_MS'] = '500';
  app = await createContext(BellsModule);
  await app.listen(port, '127.0.0.1');
  url = await app.getUrl();
}, 90_000);
afterAll(async () => {
  await app?.close();
  await store?.close();
  await database?.stop();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

interface Told {
  readonly status: number;
  readonly body: {
    readonly status?: unknown;
    readonly code?: string;
    readonly errors?: string[];
    readonly parts: { readonly name: string; readonly status: string }[];
  };
}
async function ready(): Promise<Told> {
  const response = await fetch(`${url}/health/ready`);
  return { status: response.status, body: (await response.json()) as Told['body'] };
}
const ring = () => fetch(`${url}/bells/tower`, { method: 'POST' });
const rung = async () => ((await (await fetch(`${url}/bells/tower`)).json()) as { times?: number }).times;

describe('readiness of a context', () => {
  it('names all of its parts', async () => {
    const { body } = await eventually(async () => {
      const told = await ready();
      return told.status === 200 && told;
    });
    expect(body.status).toBe('ok');
    expect(body.parts.map(({ name }) => name).sort()).toEqual([
      'circuits',
      'context',
      'database',
      'event store',
      'messaging',
      'publications',
      'reactors',
      'read models',
      'sagas',
    ]);
  });

  it(
    `sees that the database is away for ${outageMs} ms, and that it is back; commands go on meanwhile`,
    async () => {
      await ring();
      await eventually(async () => (await rung()) === 1);
      const { port } = database;
      await database.stop();
      const away = await eventually(async () => {
        const told = await ready();
        return told.status === 503 && told;
      });
      expect(away.body).toMatchObject({ status: 503, code: 'NESTJS_NOT_READY' });
      expect(away.body.errors).toEqual(expect.arrayContaining([expect.stringMatching(/^database: /)]));
      expect(away.body.parts).toEqual(
        expect.arrayContaining([expect.objectContaining({ name: 'event store', status: 'up' })]),
      );
      expect((await fetch(`${url}/health/live`)).status).toBe(200);
      expect((await ring()).status).toBe(201);
      await new Promise((over) => setTimeout(over, outageMs));
      expect((await ready()).status).toBe(503);

      database = await start(port);
      await eventually(async () => (await ready()).status === 200, { within: 20_000 });
      await eventually(async () => (await rung()) === 2, { within: 20_000 });
    },
    60_000 + 2 * outageMs,
  );

  it('is degraded, and still ready, when somebody should have a look', async () => {
    const authorization = `Bearer ${await localToken({ subject: 'op', roles: ['operator'] }, 60)}`;
    const post = (what: string) =>
      fetch(`${url}/admin/projections/bell-row/${what}`, { method: 'POST', headers: { authorization } });
    expect((await post('pause')).status).toBe(200);
    const { status, body } = await eventually(async () => {
      const told = await ready();
      return told.body.status === 'degraded' && told;
    });
    expect(status).toBe(200);
    expect(body.parts).toContainEqual({ name: 'read models', status: 'degraded', reason: 'bell-row is paused' });
    await post('resume');
    await eventually(async () => (await ready()).body.status === 'ok');
  });
});

describe('an app that is asked to end', () => {
  it('is not ready first, finishes what is in flight, and then takes nobody', async () => {
    const agent = new Agent({ keepAlive: true });
    const slow = get('/bells/slow', agent);
    await eventually(() => release.length === 0 && String(release).includes('finished'));
    const closing = app.close();
    const told = await eventually(
      async () => {
        const answer = await ready();
        return answer.status === 503 && answer;
      },
      { every: 10 },
    );
    expect(told.body).toMatchObject({ errors: ['the app is ending'] });
    expect((await fetch(`${url}/bells/tower`)).headers.get('connection')).toBe('close');
    // No new connections, while the request is still in flight.
    await eventually(async () =>
      fetch(`${url}/health/live`).then(
        () => false,
        () => true,
      ),
    );
    release();
    const answer = await slow;
    expect([answer.statusCode, answer.headers.connection]).toEqual([200, 'close']);
    const began = performance.now();
    await closing;
    expect(performance.now() - began).toBeLessThan(8_000);
    agent.destroy();
  }, 30_000);
});

async function get(path: string, agent: Agent): Promise<IncomingMessage> {
  const sent = httpRequest(`${url}${path}`, { agent }).end();
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  answer.resume();
  await once(answer, 'end');
  return answer;
}
