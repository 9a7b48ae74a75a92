import 'reflect-metadata';
import type { DomainEvent } from '@annals/core';
import {
  sagaDefinition,
  type CorrelatedEvent,
  type DurableSagaOptions,
  type SagaDefinition,
  type SagaPipeline,
} from './saga-definition.js';
import type { OrchestratedSaga } from './steps.js';

interface Declared {
  readonly key: string | symbol;
  readonly options: DurableSagaOptions<DomainEvent>;
}

const metadataKey = 'annals:durable-sagas';

type SagaHolder<Key extends PropertyKey> = { readonly [Property in Key]: SagaPipeline | OrchestratedSaga };

/**
 * Makes a saga stream of `@nestjs/cqrs` durable: one instance per id that `correlateBy` gives, rebuilt after a crash
 * from the inputs in its own stream (G8). It stands on a method, or on a property that holds an arrow function or
 * `steps(...)`, of an `@Injectable()` class. The stream must be deterministic and must not wait by itself: no clock, no
 * randomness, no promises or RxJS timers; `deadline` is there for waiting.
 */
export function DurableSaga<E extends DomainEvent = CorrelatedEvent>(options: DurableSagaOptions<E>) {
  return <Key extends string | symbol>(target: SagaHolder<Key>, key: Key): void => {
    const { constructor } = target as object;
    Reflect.defineMetadata(metadataKey, [...declarationsOf(constructor), { key, options }], constructor);
  };
}

/**
 * The durable sagas of an object whose class has them declared with {@link DurableSaga}; none for other objects.
 * @throws InvalidSaga
 */
export function durableSagasOf(holder: object): SagaDefinition[] {
  return declarationsOf(holder.constructor).map(({ key, options }) => {
    const saga = (holder as Record<string | symbol, SagaPipeline | OrchestratedSaga>)[key];
    return sagaDefinition(options, typeof saga === 'function' ? saga.bind(holder) : (saga as OrchestratedSaga));
  });
}

/** The names of the sagas that a class declares. */
export const declaredSagasOf = (holder: abstract new (...args: never[]) => object): string[] =>
  declarationsOf(holder).map(({ options }) => options.name);

/**
 * The types of the events that the sagas of a class listen to, as far as they can be told without its dependencies: a
 * class whose tables of steps need what is injected into it tells them only when it is created.
 */
export function declaredEventsOf(holder: new (...args: never[]) => object): string[] {
  const declared = declarationsOf(holder);
  const listed = declared.flatMap(({ options }) => options.on?.map(({ type }) => type) ?? []);
  if (declared.every(({ options }) => options.on)) return listed;
  let instance: object;
  try {
    instance = Reflect.construct(holder, []);
  } catch {
    return listed;
  }
  return durableSagasOf(instance).flatMap(({ on }) => [...(on ?? [])]);
}

const declarationsOf = (holder: object): readonly Declared[] =>
  (Reflect.getMetadata(metadataKey, holder) ?? []) as readonly Declared[];
