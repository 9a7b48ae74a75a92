/**
 * Nest's CommandBus, with more places to look for who handles a command. In this order:
 *   1. a `@CommandHandler(...)` class, as ever (for commands that must look something up before they decide);
 *   2. the decider of this context that decides the command's type;
 *   3. the context that owns the command's contract, over messaging.
 */
import { randomUUID } from 'node:crypto';
import {
  currentContext,
  runInContext,
  withMetadata,
  type AnyCommandClass,
  type AnyDecider,
  type DomainCommand,
} from '@annals/core';
import { EventStore, type CommandResult, type ExecuteOptions } from '@annals/event-store';
import { Inject, Injectable } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';
import { AsyncContext, CommandBus, type ICommand, type ICommandHandler } from '@nestjs/cqrs';
import { composed, type CommandMiddleware, type MiddlewareEntry } from './commands/middleware.js';
import { InvalidContextMap, NoCommandHandler } from './errors.js';
import { observedCommand } from './observability/observed-command.js';
import { noteWrite } from './http/read-your-writes.js';

/** What the bus needs to know of its context. */
export interface CommandRoutes {
  readonly context: string;
  readonly deciders: readonly AnyDecider[];
  readonly middleware: readonly MiddlewareEntry[];
  /** All commands that the context takes, where the map lists them. */
  readonly commands: readonly AnyCommandClass[] | undefined;
  /** Whether the command's contract belongs to another context. */
  isForeign(command: DomainCommand): boolean;
  /** Sends a foreign command on its way; settles when it can no longer be lost. */
  send(command: DomainCommand): Promise<void>;
}

export const COMMAND_ROUTES = Symbol('CommandRoutes');

/** Keys under which @nestjs/cqrs keeps what its decorators say; it does not export them. */
const handlerOf = '__commandHandler__';

type CommandType = (abstract new (...args: never[]) => ICommand) & { readonly type?: string };

const isDomainCommand = (command: ICommand): command is DomainCommand =>
  typeof (command as Partial<DomainCommand>).type === 'string' && 'data' in command;

@Injectable()
export class DomainCommandBus extends CommandBus {
  private readonly deciders = new Map<string, AnyDecider>();
  private readonly handledClasses = new Map<CommandType, string>();
  private readonly handledTypes = new Map<string, CommandType>();
  private readonly around: CommandMiddleware;

  constructor(
    moduleRef: ModuleRef,
    @Inject(EventStore) private readonly store: EventStore,
    @Inject(COMMAND_ROUTES) private readonly routes: CommandRoutes,
  ) {
    super(moduleRef);
    this.around = composed(routes.middleware, (type) => moduleRef.get(type, { strict: false }));
    for (const decider of routes.deciders) for (const type of decider.commandTypes) this.deciders.set(type, decider);
  }

  /**
   * Carries out a command. For a decider's command: what it led to; for another context's command: undefined as soon
   * as it is safely on its way; for a `@CommandHandler`: whatever that returns.
   * @throws what the decider or handler rejects with; NoCommandHandler
   */
  override execute<R = CommandResult>(command: ICommand, context?: AsyncContext | ExecuteOptions): Promise<R> {
    if (!isDomainCommand(command)) return super.execute<ICommand, R>(command, context as AsyncContext);
    const identified = command.metadata?.id === undefined ? withMetadata(command, { id: randomUUID() }) : command;
    return observedCommand(this.routes.context, identified, () =>
      this.around(identified, (given) => this.carryOut(given, context)),
    ) as Promise<R>;
  }

  override register(handlers?: InstanceWrapper<ICommandHandler>[]): void {
    super.register(handlers);
    const problems = [...this.unmatched()];
    if (problems.length > 0) throw new InvalidContextMap(this.routes.context, problems);
  }

  protected override registerHandler(handler: InstanceWrapper<ICommandHandler>): void {
    const type = handler.instance?.constructor ?? handler.metatype;
    const command = type && (Reflect.getMetadata(handlerOf, type) as CommandType | undefined);
    if (type && command) this.claim(command, type.name);
    super.registerHandler(handler);
  }

  private claim(command: CommandType, handler: string): void {
    const other = this.handledClasses.get(command);
    if (other !== undefined)
      throw this.mistake(`${command.name} has two handlers, ${other} and ${handler}. Remove one of them.`);
    this.handledClasses.set(command, handler);
    if (command.type === undefined) return;
    const decider = this.deciders.get(command.type);
    if (decider)
      throw this.mistake(
        `${command.type} is decided by '${decider.category}' and handled by ${handler}. Keep one; a handler may send the decider a command of another type.`,
      );
    this.handledTypes.set(command.type, command);
  }

  /** Commands without a handler, and handlers without a command, as far as the map lists the commands. */
  private *unmatched(): Generator<string> {
    const { routes } = this;
    const { commands } = routes;
    if (!commands) return;
    const listed = new Set(commands.map(({ type }) => type));
    const handled = new Set([...this.deciders.keys(), ...this.handledTypes.keys()]);
    for (const type of listed)
      if (!handled.has(type) && !routes.isForeign({ type, data: {}, metadata: {} }))
        yield `'commands' lists ${type}, but nobody handles it: add it to a decider's 'decide', or write a @CommandHandler.`;
    for (const type of handled)
      if (!listed.has(type))
        yield `${type} is handled, but 'commands' does not list it. List it, or remove its handler.`;
  }

  private async carryOut(command: DomainCommand, context?: AsyncContext | ExecuteOptions): Promise<unknown> {
    const handled = this.handledTypes.get(command.type);
    if (!handled) return this.route(command, context instanceof AsyncContext ? undefined : context);
    const instance = Object.assign(Object.create(handled.prototype as object) as DomainCommand, command);
    const { id, actor = currentContext()?.actor } = command.metadata;
    const correlationId = command.metadata.correlationId ?? currentContext()?.correlationId ?? id ?? randomUUID();
    // What the handler does is caused by this command; an EventSourcedRepository knows a repeated one by it.
    const traceparent = currentContext()?.traceparent;
    return runInContext({ correlationId, causationId: id, actor, traceparent }, () =>
      super.execute(instance, context instanceof AsyncContext ? context : undefined),
    );
  }

  private async route(command: DomainCommand, options?: ExecuteOptions): Promise<CommandResult | undefined> {
    const decider = this.deciders.get(command.type);
    if (decider) {
      this.publisher.publish(command);
      const result = await this.store.execute(decider, command, options);
      noteWrite(result.position);
      return result;
    }
    if (!this.routes.isForeign(command)) throw new NoCommandHandler(command.type);
    await this.routes.send(command);
    return undefined;
  }

  private mistake(problem: string): InvalidContextMap {
    return new InvalidContextMap(this.routes.context, [problem]);
  }
}
