/**
 * Plain `@Saga()` methods, supervised. In `@nestjs/cqrs` the first error in a saga's stream ends that saga for good;
 * here it is logged with the event that caused it, and the saga is subscribed again.
 */
import 'reflect-metadata';
import type { Log } from '@annals/core';
import type { ICommand, IEvent, ISaga } from '@nestjs/cqrs';
import { Observable, retry, tap, timer } from 'rxjs';
import { InvalidSaga } from './errors.js';

const waitMs = 1_000;

/**
 * The saga, going on after errors. Nothing is durable about it: the event that it failed on is lost, as are the events
 * between an error without one (the saga fails as soon as it is subscribed to) and the next try a second later.
 * @param name for the log, for instance `OrderSagas.remind`
 * @returns a saga to be registered in the place of the given one; throws InvalidSaga when that returns no observable
 */
export function supervisedSaga<E extends IEvent = IEvent, C extends ICommand = ICommand>(
  name: string,
  saga: ISaga<E, C>,
  log: Log,
): ISaga<E, C> {
  return (events$) => {
    let last: { readonly event: E } | undefined;
    const watched$ = events$.pipe(tap((event) => (last = { event })));
    const fresh = () => {
      const commands$: unknown = saga(watched$);
      if (!(commands$ instanceof Observable))
        throw new InvalidSaga(name, 'it returns no observable. Return events$.pipe(…).');
      return commands$ as Observable<C>;
    };
    // Once before anybody subscribes, so that a mistake of declaration stops the boot.
    let next: Observable<C> | undefined = fresh();
    const attempts$ = new Observable<C>((subscriber) => {
      const commands$ = next ?? fresh();
      next = undefined;
      return commands$.subscribe(subscriber);
    });
    return attempts$.pipe(
      retry({
        delay: (error: unknown) => {
          const cause = last;
          last = undefined;
          log.error(`The saga ${name} failed and is subscribed again: ${String(error)}`, {
            ...(cause && { event: cause.event }),
            ...(error instanceof Error && { stack: error.stack }),
          });
          // At once after an event, so that the next one is not missed; with a wait when it fails by itself.
          return cause ? [undefined] : timer(waitMs);
        },
      }),
    );
  };
}

/** Where `@Saga()` of `@nestjs/cqrs` keeps the names of a class's saga methods (SAGA_METADATA, which it does not export). */
const sagaMethods = '__saga__';

/**
 * Puts {@link supervisedSaga} around every plain `@Saga()` method of an object. Has to happen before `@nestjs/cqrs`
 * registers them, which it does when the application bootstraps: `onModuleInit` is early enough.
 * @returns the names of the methods
 */
export function superviseSagasOf(holder: object, log: Log): string[] {
  const names = (Reflect.getMetadata(sagaMethods, holder.constructor) ?? []) as readonly string[];
  const methods = holder as Record<string, ISaga>;
  for (const name of names) {
    const saga = methods[name];
    if (typeof saga === 'function')
      methods[name] = supervisedSaga(`${holder.constructor.name}.${name}`, saga.bind(holder), log);
  }
  return [...names];
}
