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
    const declared = (Reflect.getMetadata(metadataKey, target.constructor) ?? []) as readonly Declared[];
    Reflect.defineMetadata(metadataKey, [...declared, { key, options }], target.constructor);
  };
}

/**
 * The durable sagas of an object whose class has them declared with {@link DurableSaga}; none for other objects.
 * @throws InvalidSaga
 */
export function durableSagasOf(holder: object): SagaDefinition[] {
  const declared = (Reflect.getMetadata(metadataKey, holder.constructor) ?? []) as readonly Declared[];
  return declared.map(({ key, options }) => {
    const saga = (holder as Record<string | symbol, SagaPipeline | OrchestratedSaga>)[key];
    return sagaDefinition(options, typeof saga === 'function' ? saga.bind(holder) : (saga as OrchestratedSaga));
  });
}
