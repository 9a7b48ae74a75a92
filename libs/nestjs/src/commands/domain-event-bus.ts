/** Nest's EventBus, which leaves the handlers that reactors have made durable to the reactors. */
import { Inject, Injectable } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';
import { CommandBus, EventBus, UnhandledExceptionBus, type IEvent, type IEventHandler } from '@nestjs/cqrs';
import { CONTEXT_MAP, type ContextMap } from '../context-map.js';

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

  protected override registerHandler(handler: InstanceWrapper<IEventHandler<IEvent>>): void {
    const type: unknown = handler.instance?.constructor ?? handler.metatype;
    if (this.map.reactors?.some((reactor) => reactor.handler === type)) return;
    super.registerHandler(handler);
  }
}
