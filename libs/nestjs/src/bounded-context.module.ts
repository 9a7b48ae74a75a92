/**
 * `BoundedContextModule.register({...})`: the one place where deciders, read models, sagas and messaging meet Nest. The
 * map says what the context is made of; everything else is made here from it and from the environment.
 */
import { EventStore } from '@annals/event-store';
import type { DomainCommand } from '@annals/core';
import { commandSender, contractOf, type Transport } from '@annals/messaging';
import type { ReadDatabase } from '@annals/projections';
import { Module, type DynamicModule, type Provider, type Type } from '@nestjs/common';
import { CommandBus, CqrsModule, EventBus } from '@nestjs/cqrs';
import { getRepositoryToken } from '@nestjs/typeorm';
import { MessagesController } from './admin/messages.controller.js';
import { ProjectionsController } from './admin/projections.controller.js';
import { ReactorsController } from './admin/reactors.controller.js';
import { SagasController } from './admin/sagas.controller.js';
import { checkMap, CONTEXT_MAP, type ContextMap } from './context-map.js';
import {
  openEventStore,
  openReadDatabase,
  openTransport,
  READ_DATABASE,
  TELEMETRY,
  TRANSPORT,
} from './context-parts.js';
import { repositoryToken } from './commands/aggregate.js';
import { DomainEventBus } from './commands/domain-event-bus.js';
import { EventSourcedRepository } from './commands/event-sourced-repository.js';
import { ContextRuntime } from './context-runtime.js';
import { COMMAND_ROUTES, DomainCommandBus, type CommandRoutes } from './domain-command-bus.js';
import { NotABoundedContext } from './errors.js';
import { contextHealth } from './health/context-health.js';
import { HealthModule } from './health/health.module.js';
import { nestLog } from './nest-log.js';
import { ContextMetrics } from './observability/context-metrics.js';
import { startTelemetry } from './observability/telemetry.js';
import { SecurityModule } from './security/security.module.js';
import { readSettings, Settings } from './settings.js';

@Module({})
export class BoundedContextModule {
  /**
   * A mistake in the map stops the boot with a text that names it and its mend.
   * @throws InvalidContextMap, InvalidSettings when the application is created
   */
  static register(map: ContextMap): DynamicModule {
    return {
      module: BoundedContextModule,
      imports: [
        parts(map),
        cqrs,
        SecurityModule.register(map.name),
        HealthModule.register(ContextRuntime, contextHealth),
      ],
      controllers: [ProjectionsController, SagasController, MessagesController, ReactorsController],
      providers: [ContextRuntime, ContextMetrics, ...(map.sagas ?? []), ...repositories(map)],
      exports: [cqrs, ContextRuntime, ...repositories(map).map(tokenOf)],
    };
  }
}

/** The map that a module was registered with, without creating anything. @throws NotABoundedContext */
export function contextMapOf(module: Type<object>): ContextMap {
  const imports = (Reflect.getMetadata('imports', module) ?? []) as readonly Partial<DynamicModule>[];
  const context = imports.find((imported) => imported.module === BoundedContextModule);
  const infrastructure = context?.imports?.find(
    (imported) => (imported as Partial<DynamicModule>).module === ContextParts,
  );
  const provider = ((infrastructure as DynamicModule | undefined)?.providers ?? []).find(
    (candidate) => 'provide' in candidate && candidate.provide === CONTEXT_MAP,
  );
  if (!provider) throw new NotABoundedContext(module.name);
  return (provider as { useValue: ContextMap }).useValue;
}

/** @nestjs/cqrs as it is, but with our CommandBus in its place. */
const cqrs: DynamicModule = {
  module: CqrsModule,
  providers: [
    { provide: CommandBus, useClass: DomainCommandBus },
    { provide: DomainCommandBus, useExisting: CommandBus },
    { provide: EventBus, useClass: DomainEventBus },
  ],
  exports: [DomainCommandBus],
};

const repositories = ({ aggregates = [] }: ContextMap) =>
  aggregates.map((definition) => ({
    provide: repositoryToken(definition.root),
    inject: [EventStore, EventBus],
    useFactory: (store: EventStore, events: EventBus) => new EventSourcedRepository(definition, store, events),
  }));

/** What the context stands on; global, because the CommandBus needs it and lives in a module of its own. */
@Module({})
class ContextParts {}

const parts = (map: ContextMap): DynamicModule => {
  const providers: Provider[] = [
    { provide: CONTEXT_MAP, useValue: map },
    { provide: Settings, useFactory: () => (checkMap(map), readSettings(map.name, process.env)) },
    { provide: TELEMETRY, inject: [Settings], useFactory: () => startTelemetry(map.name, process.env) },
    { provide: EventStore, inject: [Settings], useFactory: openEventStore },
    {
      provide: READ_DATABASE,
      inject: [Settings],
      useFactory: (settings: Settings) => openReadDatabase(map, settings, nestLog('ReadDatabase')),
    },
    {
      provide: TRANSPORT,
      inject: [Settings, EventStore, READ_DATABASE],
      useFactory: (settings: Settings, store: EventStore, database: ReadDatabase) =>
        openTransport(map, settings, store, database, nestLog('Messaging')),
    },
    { provide: COMMAND_ROUTES, inject: [TRANSPORT], useFactory: (transport: Transport) => routes(map, transport) },
    ...(map.readModels ?? []).map(({ entity }) => ({
      provide: getRepositoryToken(entity),
      inject: [READ_DATABASE],
      useFactory: ({ queries }: ReadDatabase) => queries.getRepository(entity),
    })),
  ];
  return { module: ContextParts, global: true, providers, exports: providers.map(tokenOf) };
};

function routes(
  { name: context, deciders, middleware = [], commands }: ContextMap,
  transport: Transport,
): CommandRoutes {
  const sender = commandSender({ context, transport });
  return {
    context,
    deciders,
    middleware,
    commands,
    isForeign: ({ type }: DomainCommand) => {
      const contract = contractOf(type);
      return contract?.kind === 'command' && contract.context !== context;
    },
    send: async (command) => void (await sender.send(command)),
  };
}

const tokenOf = (provider: Provider) => (typeof provider === 'function' ? provider : provider.provide);
