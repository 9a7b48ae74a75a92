import 'reflect-metadata';
import { AsyncLocalStorage } from 'node:async_hooks';
import { dependencies, type CallOptions } from '@annals/resilience';

const signals = new AsyncLocalStorage<AbortSignal>();

/**
 * Runs the method under the policy of a declared dependency: circuit, time limit, bulkhead; and tries it again only when it
 * is said to be `repeatable` (what it does is idempotent). The method should heed {@link guardedSignal}.
 * @throws CircuitOpen, BulkheadFull, DependencyTimeout, UnknownDependency when it is called
 */
export function Guarded(dependency: string, { repeatable = false }: Pick<CallOptions, 'repeatable'> = {}) {
  return <Parameters extends unknown[], Result>(
    _target: object,
    _method: string | symbol,
    descriptor: TypedPropertyDescriptor<(...parameters: Parameters) => Promise<Result>>,
  ): void => {
    const { value: method } = descriptor;
    if (!method) throw new TypeError('@Guarded stands on methods.');
    const guarded = async function (this: unknown, ...parameters: Parameters): Promise<Result> {
      return dependencies
        .get(dependency)
        .run((signal) => signals.run(signal, () => method.apply(this, parameters)), { repeatable });
    };
    // What other decorators said about the method (Nest keeps it on the function) is said about this one.
    for (const key of Reflect.getMetadataKeys(method) as unknown[])
      Reflect.defineMetadata(key, Reflect.getMetadata(key, method), guarded);
    descriptor.value = guarded;
  };
}

/** Inside of a {@link Guarded} method: aborted when its time is over. Give it to what the method waits for. */
export const guardedSignal = (): AbortSignal | undefined => signals.getStore();
