/** Two instances of one context: what is shared between them, what people see of it, and what they can do about it. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CodedError, Command, decider, DomainError, Event, type DomainCommand } from '@annals/core';
import { EventStore } from '@annals/event-store';
import {
  commandSender,
  consume,
  IntegrationCommand,
  IntegrationEvent,
  NatsTransport,
  publish,
} from '@annals/messaging';
import { DurableSaga, steps } from '@annals/sagas';
import { eventually, testEventStore, testNats, testPostgres, type TestEventStore } from '@annals/testing';
import { Controller, Injectable, Module } from '@nestjs/common';
import { EventBus, ofType, Saga } from '@nestjs/cqrs';
import { EventPattern, Payload } from '@nestjs/microservices';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { IsInt, IsString } from 'class-validator';
import { map, type Observable } from 'rxjs';
import { BoundedContextModule, createContext, DomainCommandBus, localToken } from '../index.js';

// The files of a Jest worker share a nats-server: a context of a name of its own shares nothing with others.
const mill = `mill-${randomBytes(4).toString('hex')}`;

class SackData {
  @IsString() sackId!: string;
  @IsInt() grams!: number;
}
const options = { subject: ({ sackId }: SackData) => sackId, example: { sackId: 's', grams: 1 } };
class FillSack extends IntegrationCommand(`${mill}.fill-sack.v1`, SackData, options) {}
class SackFilledV1 extends IntegrationEvent(`${mill}.sack-filled.v1`, SackData, options) {}

class Filled extends Event('SackFilled')<{ sackId: string; grams: number }> {}
class Sealed extends Event('SackSealed')<{ sackId: string }> {}
class Fill extends Command('FillSackWith')<{ sackId: string; grams: number }> {}
class Seal extends Command('SealSack')<{ sackId: string }> {}
class Burst extends DomainError {
  readonly code = 'SACK_BURST';
}

const sack = decider<{ sealed: boolean }, Fill | Seal, Filled | Sealed>({
  category: 'sack',
  initial: { sealed: false },
  decide: {
    FillSackWith: (_, { data }) => {
      if (data.grams < 0) throw new Burst('A sack cannot hold less than nothing.');
      return [new Filled(data)];
    },
    SealSack: ({ sealed }, { data }) => (sealed ? [] : [new Sealed(data)]),
  },
  evolve: { SackFilled: (state) => state, SackSealed: () => ({ sealed: true }) },
});

/** What publishing does to sacks whose id says so. */
let publishingIsBroken = true;
const sackFilled = publish(Filled, ({ data }) =>
  publishingIsBroken && data.sackId.startsWith('bad')
    ? new SackFilledV1({ ...data, grams: 0.5 })
    : new SackFilledV1(data),
);
const onFillSack = consume(FillSack, ({ data }): DomainCommand => new Fill(data));

class Ground {
  constructor(readonly n: number) {}
}
const ground: number[] = [];

class NoGrain extends CodedError {
  readonly code = 'MILL_NO_GRAIN';
  override readonly kind = 'unprocessable';
}

@Controller()
class SacksController {
  @EventPattern(FillSack.type)
  look(@Payload() { sackId }: SackData): void {
    if (sackId === 'stones') throw new NoGrain('There are stones in it.');
  }
}

@Injectable()
class MillSagas {
  @DurableSaga({ name: 'sealing', correlateBy: ({ data }) => data['sackId'] })
  readonly seal = steps(Filled).step('seal', { send: ({ data: { sackId } }) => new Seal({ sackId }), done: Sealed });

  @Saga()
  plain = (events$: Observable<object>): Observable<Fill> =>
    events$.pipe(
      ofType(Ground),
      map(({ n }) => {
        if (n === 2) throw new Error('two is too much');
        ground.push(n);
        return new Fill({ sackId: `ground-${n}`, grams: n });
      }),
    );
}

@Module({
  imports: [
    BoundedContextModule.register({
      name: mill,
      deciders: [sack],
      sagas: [MillSagas],
      publishes: [sackFilled],
      consumes: [onFillSack],
    }),
  ],
  controllers: [SacksController],
})
class MillModule {}

let events: TestEventStore;
let store: EventStore;
let outside: NatsTransport;
let one: NestFastifyApplication;
let two: NestFastifyApplication;
const published: string[] = [];

async function instance(): Promise<NestFastifyApplication> {
  const app = await createContext(MillModule);
  await app.init();
  await app.startAllMicroservices();
  await app.listen(0, '127.0.0.1');
  return app;
}

beforeAll(async () => {
  events = await testEventStore();
  const nats = await testNats();
  process.env['EVENTSTORE_URL'] = events.url;
  process.env['DATABASE_URL'] = (await testPostgres()).url;
  process.env['NATS_URL'] = nats.url;
  store = new EventStore({ url: events.url });
  outside = new NatsTransport({ url: nats.url });
  one = await instance();
  two = await instance();
  outside.consume({ kind: 'events', context: `${mill}-listener`, source: mill }, ({ body }) => {
    const { data } = JSON.parse(body) as { data: SackData };
    published.push(`${data.sackId} ${data.grams}`);
    return Promise.resolve();
  });
});
afterAll(async () => {
  await Promise.all([one.close(), two.close()]);
  await outside.close();
  await store.close();
  await events.close();
});

async function call(path: string, method = 'GET', body?: object) {
  const response = await fetch(`${await two.getUrl()}/admin/${path}`, {
    method,
    headers: {
      authorization: `Bearer ${await localToken({ subject: 'tester', roles: ['operator'] }, 60)}`,
      ...(body && { 'content-type': 'application/json' }),
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: (text ? JSON.parse(text) : undefined) as never };
}

const grams = async (sackId: string) =>
  (await store.streams.readToEnd(`sack-${sackId}`)).flatMap(({ event }) =>
    event.type === 'SackFilled' ? [(event.data as SackData).grams] : [],
  );

describe('two instances of a context (G10)', () => {
  it('take messages in order, also while the one that has them stops', async () => {
    const sender = commandSender({ context: 'farm', transport: outside });
    const sacks = ['a', 'b', 'c'];
    const count = 60;
    for (let n = 0; n < count; n++) {
      for (const sackId of sacks) await sender.send(new FillSack({ sackId, grams: n }));
      if (n === 20) void one.close();
    }
    for (const sackId of sacks)
      await eventually(async () => expect(await grams(sackId)).toHaveLength(count), { within: 15_000 });
    for (const sackId of sacks) expect(await grams(sackId)).toEqual(Array.from({ length: count }, (_, n) => n));
    await eventually(() => published.length >= sacks.length * count);
    for (const sackId of sacks)
      expect(published.filter((line) => line.startsWith(`${sackId} `))).toEqual(
        Array.from({ length: count }, (_, n) => `${sackId} ${n}`),
      );
    for (const sackId of sacks)
      await eventually(async () => {
        const { body } = await call(`sagas/sealing/${sackId}`);
        expect(body).toMatchObject({ state: 'completed' });
      });
    one = await instance();
  }, 60_000);

  it('show where the instances of sagas stand, whichever of them is asked', async () => {
    const { status, body } = await call('sagas?saga=sealing&state=completed,running&limit=2');
    expect({ status, body }).toEqual({
      status: 200,
      body: [0, 1].map(() => expect.objectContaining({ saga: 'sealing', state: 'completed', version: 1 })),
    });
    expect((await call('sagas/sealing/none')).status).toBe(404);
    expect((await call('sagas?state=sleeping')).status).toBe(400);
    expect((await call('sagas/sealing/a/retry', 'POST')).status).toBe(409);
    expect((await call('sagas/sealing/a/cancel', 'POST', { reason: 'enough' })).status).toBe(409);
    expect((await call('sagas/sealing/a/cancel', 'POST', {})).status).toBe(400);
  });
});

describe('an event that cannot be published (G6)', () => {
  it('waits with those of its stream, is shown, and goes out when it is retried; the others do not wait', async () => {
    const bus = two.get(DomainCommandBus);
    for (const sackId of ['bad-1', 'bad-2', 'good'])
      for (const each of [1, 2]) await bus.execute(new Fill({ sackId, grams: each }));
    await eventually(() => expect(published).toEqual(expect.arrayContaining(['good 1', 'good 2'])));
    const parked = await eventually(async () => {
      const { body } = await call('messages/parked');
      const waiting = (body as { stream: string; behind: number; id: string; error: string }[]).filter(
        ({ behind }) => behind === 1,
      );
      if (waiting.length !== 2) throw new Error(JSON.stringify(body));
      return waiting;
    });
    expect(parked.map(({ stream }) => stream)).toEqual(['sack-bad-1', 'sack-bad-2']);
    expect(parked[0]?.error).toContain('data.grams: grams must be an integer number');
    const [first, second] = parked.map(({ id }) => id);

    const again = await call(`messages/parked/${first}/retry`, 'POST');
    expect(again).toEqual({ status: 200, body: { published: 0, waiting: 2 } });
    publishingIsBroken = false;
    expect((await call(`messages/parked/${first}/retry`, 'POST')).body).toEqual({ published: 2, waiting: 0 });
    expect((await call(`messages/parked/${second}/skip`, 'POST')).body).toEqual({ published: 1, waiting: 0 });
    expect((await call(`messages/parked/${second}/skip`, 'POST')).status).toBe(404);
    expect((await call('messages/parked')).body).toEqual([]);
    await bus.execute(new Fill({ sackId: 'bad-1', grams: 3 }));
    await eventually(() =>
      expect(published.filter((line) => line.startsWith('bad'))).toEqual(['bad-1 1', 'bad-1 2', 'bad-2 2', 'bad-1 3']),
    );
  });
});

describe('a message that a context cannot deal with', () => {
  it('is shown, replayed to it, and dropped', async () => {
    const sender = commandSender({ context: 'farm', transport: outside });
    await outside.publish(
      { kind: 'commands', context: mill },
      {
        ...({ specversion: '1.0', datacontenttype: 'application/json', id: 'unfit', source: 'farm' } as const),
        ...{ type: FillSack.type, subject: 'unfit', time: new Date().toISOString(), data: { sackId: 7 } },
        ...{ correlationid: 'talk', causationid: 'talk' },
      },
    );
    const dead = () => call('messages/dead').then(({ body }) => body as { id: string; error: { code: string } }[]);
    const [letter] = await eventually(async () => {
      const letters = await dead();
      return letters.length === 1 ? letters : null;
    });
    expect(letter).toMatchObject({
      context: mill,
      error: { code: 'MESSAGING_INVALID_CONTRACT_DATA' },
      message: { id: 'unfit', type: FillSack.type, subject: 'unfit' },
    });
    expect((await call(`messages/dead/${letter?.id}/replay`, 'POST')).status).toBe(202);
    const [next] = await eventually(async () => {
      const letters = await dead();
      return letters.length === 1 && letters[0]?.id !== letter?.id ? letters : null;
    });
    expect((await call(`messages/dead/${next?.id}`)).body).toMatchObject({ context: mill });
    expect((await call(`messages/dead/${next?.id}`, 'DELETE')).status).toBe(204);
    expect((await call(`messages/dead/${next?.id}`)).status).toBe(404);
    expect(await dead()).toEqual([]);
    await sender.send(new FillSack({ sackId: 'stones', grams: 1 }));
    await eventually(async () => expect(await dead()).toMatchObject([{ error: { code: 'MILL_NO_GRAIN' } }]));
    await sender.send(new FillSack({ sackId: 'unfit', grams: 1 }));
    await eventually(async () => expect(await grams('unfit')).toEqual([1]));
    expect((await call('messages')).body).toMatchObject({ transport: 'nats', connected: true });
  });
});

describe('a plain @Saga() method', () => {
  it('goes on after an error', async () => {
    const bus = two.get(EventBus);
    await bus.publishAll([1, 2, 3].map((n) => new Ground(n)));
    await eventually(async () => expect(await grams('ground-3')).toEqual([3]));
    expect(ground).toEqual([1, 3]);
  });
});
