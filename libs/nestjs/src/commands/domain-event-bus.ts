/**
 * Nest's EventBus, which leaves the handlers that reactors have made durable to the reactors, and has plain `@Saga()`
 * methods go on after an error.
 */
import { Inject, Injectable } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';
import { CommandBus, EventBus, UnhandledExceptionBus, type IEvent, type IEventHandler } from '@nestjs/cqrs';
import { superviseSagasOf } from '@annals/sagas';
import { CONTEXT_MAP, type ContextMap } from '../context-map.js';
import { nestLog } from '../nest-log.js';

@Injectable()
export class DomainEventBus extends EventBus {
  constructor(
    commands: CommandBus,
    modules: ModuleRef,
    unhandled: UnhandledExceptionBus,
    @Inject(CONTEXT_MAP) private readonly map: ContextMap,
  ) {
    super(commands, modules, unhandled);
  }

  override registerSagas(sagas: InstanceWrapper<object>[] = []): void {
    const log = nestLog('Sagas');
    for (const instance of new Set(sagas.map((saga) => saga.instance))) if (instance) superviseSagasOf(instance, log);
    super.registerSagas(sagas);
  }

  protected override registerHandler(handler: InstanceWrapper<IEventHandler<IEvent>>): void {
    const type: unknown = handler.instance?.constructor ?? handler.metatype;
    if (this.map.reactors?.some((reactor) => reactor.handler === type)) return;
    super.registerHandler(handler);
  }
}
