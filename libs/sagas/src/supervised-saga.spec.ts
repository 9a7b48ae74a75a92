import { afterEach, describe, expect, it, jest } from '@jest/globals';
import type { Log } from '@annals/core';
import { Injectable, Module, type OnModuleInit } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  CommandBus,
  CommandHandler,
  CqrsModule,
  EventBus,
  ofType,
  Saga,
  type ICommandHandler,
  type IEvent,
} from '@nestjs/cqrs';
import { EMPTY, map, Subject, throwError, type Observable } from 'rxjs';
import { InvalidSaga } from './errors.js';
import { supervisedSaga, superviseSagasOf } from './supervised-saga.js';

interface Numbered {
  readonly n: number;
}

const logged: { message: string; fields: unknown }[] = [];
const log: Log = {
  info() {},
  warn() {},
  error: (message, fields) => void logged.push({ message, fields }),
};
afterEach(() => {
  logged.length = 0;
  jest.useRealTimers();
});

const refusesTwo = (events$: Observable<Numbered>) =>
  events$.pipe(
    map(({ n }) => {
      if (n === 2) throw new Error('two is too much');
      return { n };
    }),
  );

describe('a supervised saga', () => {
  it('goes on after an error, which is logged with the event that caused it', () => {
    const events$ = new Subject<Numbered>();
    const commands: Numbered[] = [];
    supervisedSaga<Numbered, Numbered>(
      'Sagas.count',
      refusesTwo,
      log,
    )(events$).subscribe((command) => commands.push(command));
    for (const n of [1, 2, 3, 2, 4]) events$.next({ n });
    expect(commands).toEqual([{ n: 1 }, { n: 3 }, { n: 4 }]);
    expect(logged).toMatchObject([
      {
        message: 'The saga Sagas.count failed and is subscribed again: Error: two is too much',
        fields: { event: { n: 2 } },
      },
      { fields: { event: { n: 2 } } },
    ]);
  });

  it('that fails without an event is tried again after a wait', () => {
    jest.useFakeTimers();
    let subscriptions = 0;
    const failing = () => {
      subscriptions++;
      return throwError(() => new Error('not today'));
    };
    const subscription = supervisedSaga('Sagas.fail', failing, log)(EMPTY).subscribe();
    expect(subscriptions).toBe(1);
    jest.advanceTimersByTime(3_000);
    expect(subscriptions).toBe(4);
    expect(logged).toHaveLength(4);
    subscription.unsubscribe();
  });

  it('that is none is refused at once', () => {
    const none = supervisedSaga('Sagas.none', (() => undefined) as never, log);
    expect(() => none(new Subject())).toThrow(InvalidSaga);
  });
});

describe('the sagas of an existing Nest application', () => {
  class Counted {
    constructor(readonly n: number) {}
  }
  class Note {
    constructor(readonly n: number) {}
  }
  const noted: number[] = [];

  @CommandHandler(Note)
  class NoteHandler implements ICommandHandler<Note> {
    execute({ n }: Note): Promise<void> {
      noted.push(n);
      return Promise.resolve();
    }
  }

  @Injectable()
  class CountingSagas {
    private readonly forbidden = 2;

    @Saga()
    count = (events$: Observable<IEvent>) =>
      events$.pipe(
        ofType(Counted),
        map(({ n }) => {
          if (n === this.forbidden) throw new Error('two is too much');
          return new Note(n);
        }),
      );

    @Saga()
    method(events$: Observable<IEvent>): Observable<Note> {
      return events$.pipe(
        ofType(Counted),
        map(({ n }) => {
          if (n === this.forbidden) throw new Error('two is too much');
          return new Note(100 + n);
        }),
      );
    }
  }

  @Module({ imports: [CqrsModule], providers: [CountingSagas, NoteHandler] })
  class CountingModule implements OnModuleInit {
    constructor(private readonly sagas: CountingSagas) {}
    onModuleInit(): void {
      expect(superviseSagasOf(this.sagas, log)).toEqual(['count', 'method']);
    }
  }

  it('go on after errors, each of them', async () => {
    const app = await NestFactory.createApplicationContext(CountingModule, { logger: false });
    expect(app.get(CommandBus)).toBeDefined();
    await app.get(EventBus).publishAll([1, 2, 3].map((n) => new Counted(n)));
    await app.close();
    expect(noted).toEqual([1, 101, 3, 103]);
    expect(logged.map(({ message }) => message)).toEqual([
      'The saga CountingSagas.count failed and is subscribed again: Error: two is too much',
      'The saga CountingSagas.method failed and is subscribed again: Error: two is too much',
    ]);
  });
});
