/** Who publishes and who consumes what, from the maps and controllers of the contexts' modules, without creating them. */
import { contractOf, type MessagingContext } from '@annals/messaging';
import { declaredEventsOf } from '@annals/sagas';
import type { Type } from '@nestjs/common';
import { contextMapOf } from '../bounded-context.module.js';

/** Where @nestjs/microservices keeps what `@EventPattern` says; it does not export the key. */
const patternKey = 'microservices:pattern';

/** What a context takes part in. @throws NotABoundedContext */
export function messagingOf(module: Type<object>): MessagingContext {
  const { name, consumes = [], sagas = [] } = contextMapOf(module);
  const controllers = (Reflect.getMetadata('controllers', module) ?? []) as readonly Type<object>[];
  const types = [
    ...consumes.map(({ contract }) => contract.type),
    ...sagas.flatMap(declaredEventsOf),
    ...controllers.flatMap(patternsOf),
  ];
  return { name, consumes: [...new Set(types.filter((type) => contractOf(type) !== undefined))] };
}

function patternsOf({ prototype }: Type<object>): string[] {
  const methods = Object.values(Object.getOwnPropertyDescriptors(prototype)).map(({ value }) => value as unknown);
  return methods.flatMap((method) => {
    if (typeof method !== 'function') return [];
    const patterns = (Reflect.getMetadata(patternKey, method) ?? []) as readonly unknown[];
    return patterns.filter((pattern) => typeof pattern === 'string');
  });
}
