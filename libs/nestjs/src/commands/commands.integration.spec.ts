/** Commands over HTTP and through middleware, on real parts. */
import { tracingChannel } from 'node:diagnostics_channel';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Command, decider, Event, type DomainCommand } from '@annals/core';
import { EventStore } from '@annals/event-store';
import { testEventStore, testNats, testPostgres } from '@annals/testing';
import { Body, Controller, HttpCode, Injectable, Module, Param, Post, type Type } from '@nestjs/common';
import { CommandHandler, EventsHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { IsInt, IsString, Min } from 'class-validator';
import {
  authorise,
  BoundedContextModule,
  createContext,
  DomainCommandBus,
  IdempotencyKey,
  IfMatch,
  localToken,
  logCommands,
  reactor,
  RevisionTag,
  rule,
  traceCommands,
  validate,
  type CommandMiddlewareProvider,
  type ContextMap,
} from '../index.js';

class Added extends Event('Added')<{ countId: string; by: number }> {}
class Add extends Command('Add')<{ countId: string; by: number }> {}
class AddTwice extends Command('AddTwice')<{ countId: string }> {}
class Unheard extends Command('Unheard')<object> {}

const count = decider<number, Add, Added>({
  category: 'count',
  initial: 0,
  decide: { Add: (_, { data }) => [new Added(data)] },
  evolve: { Added: (total, { data }) => total + data.by },
});

class AddData {
  @IsString() countId!: string;
  @IsInt() @Min(1) by!: number;
}

const seen: string[] = [];
const told: string[] = [];
const log = { info: (message: string) => void told.push(message), warn() {}, error() {} };

@Injectable()
class Remember implements CommandMiddlewareProvider {
  readonly types: string[] = [];

  async handle(command: DomainCommand, next: (command: DomainCommand) => Promise<unknown>) {
    seen.push('remember');
    this.types.push(command.type);
    return next(command);
  }
}

@CommandHandler(AddTwice)
class AddTwiceHandler implements ICommandHandler<AddTwice> {
  constructor(private readonly bus: DomainCommandBus) {}

  async execute({ data: { countId } }: AddTwice) {
    for (const by of [1, 2]) await this.bus.execute(new Add({ countId, by }));
  }
}

class AddBody {
  @IsInt() by!: number;
}

@Controller('counts')
class CountsController {
  constructor(private readonly commands: DomainCommandBus) {}

  @Post(':countId')
  @HttpCode(200)
  @RevisionTag()
  async add(
    @Param('countId') countId: string,
    @Body() { by }: AddBody,
    @IdempotencyKey() id: string | undefined,
    @IfMatch() expectedRevision: number | undefined,
  ) {
    const pinned = expectedRevision === undefined ? {} : { expectedRevision };
    const { revision } = await this.commands.execute(new Add({ countId, by }, { id }), pinned);
    return { revision };
  }
}

const map: ContextMap = {
  name: 'counts',
  deciders: [count],
  commands: [Add, AddTwice],
  middleware: [
    traceCommands(),
    logCommands(log),
    (command, next) => {
      seen.push('plain');
      return next(command);
    },
    Remember,
    validate(rule(Add, AddData)),
    authorise(({ type }, actor) => type !== 'Add' || actor !== 'mallory'),
  ],
};
const moduleOf = (given: ContextMap, providers: Type<object>[]) => {
  @Module({ imports: [BoundedContextModule.register(given)], controllers: [CountsController], providers })
  class CountsModule {}
  return CountsModule;
};

let app: NestFastifyApplication;
let url: string;
let server: Awaited<ReturnType<typeof testEventStore>>;
beforeAll(async () => {
  server = await testEventStore();
  process.env['EVENTSTORE_URL'] = server.url;
  process.env['DATABASE_URL'] = (await testPostgres()).url;
  process.env['NATS_URL'] = (await testNats()).url;
  app = await createContext(moduleOf(map, [AddTwiceHandler, Remember]));
  await app.listen(0, '127.0.0.1');
  url = await app.getUrl();
});
afterAll(async () => {
  await app.close();
  await server.close();
});

async function post(countId: string, by: number, headers: Record<string, string> = {}) {
  const authorization = `Bearer ${await localToken({ subject: 'tester', roles: [] }, 60)}`;
  const response = await fetch(`${url}/counts/${countId}`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ by }),
  });
  const body = (await response.json()) as Record<string, unknown>;
  return { status: response.status, etag: response.headers.get('etag'), body };
}

describe('over HTTP', () => {
  it('the revision is the ETag, and If-Match pins it: 412, and nothing is tried again', async () => {
    expect(await post('tag', 1)).toMatchObject({ status: 200, etag: '"0"', body: { revision: 0 } });
    expect(await post('tag', 1, { 'if-match': '"0"' })).toMatchObject({ status: 200, etag: '"1"' });
    const refused = await post('tag', 1, { 'if-match': '"0"' });
    expect(refused).toMatchObject({
      status: 412,
      etag: null,
      body: { code: 'EVENT_STORE_WRONG_EXPECTED_REVISION', expected: 0, actual: 1, stream: 'count-tag' },
    });
    expect((await post('tag', 1, { 'if-match': '*' })).status).toBe(200);
    expect((await post('tag', 1, { 'if-match': 'W/"2"' })).status).toBe(400);
  });

  it('an Idempotency-Key makes a request repeatable, and stands for one payload: 422', async () => {
    const key = { 'idempotency-key': 'once' };
    expect((await post('key', 1, key)).body).toEqual({ revision: 0 });
    expect((await post('key', 1)).body).toEqual({ revision: 1 });
    expect((await post('key', 1, key)).body).toEqual({ revision: 0 });
    expect(await post('key', 2, key)).toMatchObject({ status: 422, body: { code: 'EVENT_STORE_COMMAND_ID_REUSED' } });
    expect((await app.get(EventStore).load(count, 'key')).state).toBe(2);
  });

  it('a conflict that does not end is a 409 with the revision of the stream', async () => {
    const store = app.get(EventStore);
    const { streams } = store;
    const append = streams.append.bind(streams);
    // Somebody else, who is faster each time: a real append before each of ours.
    const stream = 'count-busy';
    streams.append = async (to, events, expected) => {
      if (to === stream && expected !== 'any')
        await append(
          stream,
          [{ id: crypto.randomUUID(), event: new Added({ countId: 'busy', by: 1 }), metadata: {} }],
          'any',
        );
      return append(to, events, expected);
    };
    try {
      expect(await post('busy', 1)).toMatchObject({
        status: 409,
        body: { code: 'EVENT_STORE_CONCURRENCY_CONFLICT', attempts: 8, stream, actual: 7 },
      });
    } finally {
      streams.append = append;
    }
  });
});

describe('middleware', () => {
  it('stands around every command in the order of the map, also around those of handlers', async () => {
    seen.length = told.length = 0;
    const traced: string[] = [];
    const channel = tracingChannel('annals:command');
    const listener = (message: unknown) => {
      traced.push((message as { command: DomainCommand }).command.type);
    };
    channel.start.subscribe(listener);
    await app.get(DomainCommandBus).execute(new AddTwice({ countId: 'm' }));
    channel.start.unsubscribe(listener);
    expect(seen).toEqual(['plain', 'remember', 'plain', 'remember', 'plain', 'remember']);
    expect(app.get(Remember).types.slice(-3)).toEqual(['AddTwice', 'Add', 'Add']);
    expect(traced).toEqual(['AddTwice', 'Add', 'Add']);
    expect(told).toEqual(['Add ok', 'Add ok', 'AddTwice ok']);
  });

  it('validates the data of a command, wherever it comes from', async () => {
    const bad = new Add({ countId: 'v', by: 0.5, more: 1 } as never);
    await expect(app.get(DomainCommandBus).execute(bad)).rejects.toMatchObject({
      code: 'NESTJS_INVALID_COMMAND',
      kind: 'invalid',
      errors: expect.arrayContaining(['property more should not exist', 'by must be an integer number']),
    });
    expect(told.at(-1)).toBe('Add NESTJS_INVALID_COMMAND');
    expect(await post('v', -1)).toMatchObject({ status: 400, body: { code: 'NESTJS_INVALID_COMMAND' } });
    expect((await app.get(EventStore).load(count, 'v')).revision).toBe(-1);
  });

  it('forbids what the actor may not do', async () => {
    const command = new Add({ countId: 'f', by: 1 }, { actor: 'mallory' });
    await expect(app.get(DomainCommandBus).execute(command)).rejects.toMatchObject({
      code: 'NESTJS_COMMAND_FORBIDDEN',
      kind: 'forbidden',
      actor: 'mallory',
    });
  });
});

describe('a map that contradicts itself', () => {
  const boot = async (given: ContextMap, providers: Type<object>[]) => {
    const broken = await createContext(moduleOf(given, providers));
    await broken.init().finally(() => broken.close());
  };

  it('stops the boot: a command without a handler', async () => {
    const given = { ...map, middleware: [], commands: [Add, AddTwice, Unheard] };
    await expect(boot(given, [AddTwiceHandler])).rejects.toThrow(/lists Unheard, but nobody handles it/);
  });

  it('stops the boot: a handler without a command', async () => {
    const given = { ...map, middleware: [], commands: [Add] };
    await expect(boot(given, [AddTwiceHandler])).rejects.toThrow(
      /AddTwice is handled, but 'commands' does not list it/,
    );
  });

  it('stops the boot: a handler beside a decider', async () => {
    @CommandHandler(Add)
    class Second implements ICommandHandler<Add> {
      execute = () => Promise.resolve();
    }
    const given = { ...map, middleware: [], commands: [Add, AddTwice] };
    await expect(boot(given, [AddTwiceHandler, Second])).rejects.toThrow(/decided by 'count' and handled by Second/);
  });

  it('stops the boot: a reactor without events', () => {
    class Nothing {
      handle() {}
    }
    expect(() => reactor({ name: 'nothing', on: Nothing })).toThrow(/no @EventsHandler/);
  });

  it('stops the boot: a reactor to events that nobody has', async () => {
    class Gone extends Event('Gone')<object> {}
    @EventsHandler(Gone)
    class OnGone {
      handle() {}
    }
    const given = { ...map, middleware: [], reactors: [reactor({ name: 'gone', on: OnGone })] };
    await expect(boot(given, [AddTwiceHandler, OnGone])).rejects.toThrow(/'gone' names the event Gone/);
  });
});
