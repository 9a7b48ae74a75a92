/**
 * The transport strategy for `@nestjs/microservices`: a context's side of the exchange. It gives each message to every
 * handler of its type, whether an entry of the map's `consumes`, a saga's input, or a method with
 * `@EventPattern('orders.order-placed.v1')`, and the message is acknowledged when all of them succeeded. A handler may
 * therefore be called again for a message that it handled before.
 */
import { silent, type DomainCommand, type Log } from '@annals/core';
import { BaseRpcContext, Server, type CustomTransportStrategy } from '@nestjs/microservices';
import { isObservable, lastValueFrom } from 'rxjs';
import { contractOf, type AnyContractClass, type Contract } from './contracts/contract.js';
import { isContextName } from './contracts/contract-type.js';
import type { UnknownProperties } from './contracts/validation.js';
import { consumptionHandler, type Consumption } from './consuming/consumption.js';
import type { MessageHandler, ReceivedMessage } from './consuming/received-message.js';
import { receiver, type HandledType, type RetryPolicy } from './consuming/receiver.js';
import {
  ForeignContract,
  HandlerFailed,
  InvalidContextName,
  RequestPatternNotSupported,
  UnknownContract,
} from './errors.js';
import {
  inletName,
  type Inlet,
  type RunningInlet,
  type Transport,
  type TransportStatus,
} from './transport/transport.js';

export interface IntegrationServerOptions {
  /** The context that consumes. */
  readonly context: string;
  readonly transport: Transport;
  readonly retry?: RetryPolicy;
  /** What happens to messages with properties that this context's contract does not know; default 'refuse'. */
  readonly unknownProperties?: UnknownProperties;
  /**
   * With several instances of a context: makes sure that one of them at a time takes an inlet's messages. Without it,
   * instances share the messages of a broker, and the order of an aggregate's messages holds only within an instance.
   */
  readonly leases?: Leases;
  readonly log?: Log;
}

/** Gives one instance at a time the right to do something. */
export interface Leases {
  want(lease: {
    readonly name: string;
    /** Begins; called again when the lease was lost and comes back. */
    gained(): void;
    /** Stops; the lease goes to somebody else when this is done. */
    lost(): Promise<void>;
  }): void;
}

/** What `@Ctx()` gives in a method with `@EventPattern`. */
export class IntegrationContext extends BaseRpcContext<[ReceivedMessage]> {
  getMessage(): ReceivedMessage {
    return this.args[0];
  }
}

export const integrationTransport = Symbol('annals integration messages');

export class IntegrationServer extends Server implements CustomTransportStrategy {
  override readonly transportId = integrationTransport;
  override readonly propagatesEventHandlerErrors = true;
  private readonly handled = new Map<string, { contract: Contract; handlers: MessageHandler[] }>();
  private readonly consumptions = new Map<string, number>();
  private readonly inlets = new Map<string, RunningInlet>();
  private closed = false;

  /** @throws InvalidContextName */
  constructor(private readonly options: IntegrationServerOptions) {
    super();
    if (!isContextName(options.context)) throw new InvalidContextName(options.context);
  }

  /** Adds a handler of a contract's messages; before `listen`. @throws ForeignContract for another context's command */
  handle({ contract }: Pick<AnyContractClass, 'contract'>, handler: MessageHandler): this {
    const { context } = this.options;
    if (contract.kind === 'command' && contract.context !== context)
      throw new ForeignContract(contract.type, context, 'consume');
    const entry = this.handled.get(contract.type) ?? { contract, handlers: [] };
    entry.handlers.push(handler);
    this.handled.set(contract.type, entry);
    return this;
  }

  /** Adds an entry of the map's `consumes`, with what carries out its commands. @throws ForeignContract */
  consume(consumption: Consumption, execute: (command: DomainCommand) => Promise<unknown>): this {
    const { type } = consumption.contract;
    const nth = this.consumptions.get(type) ?? 0;
    this.consumptions.set(type, nth + 1);
    return this.handle(consumption, consumptionHandler(consumption, execute, nth));
  }

  /** The types that it has handlers for. */
  handledTypes(): string[] {
    return [...this.handled.keys()].sort();
  }

  health(): TransportStatus {
    return this.options.transport.status();
  }

  /** Begins to take messages. Does not wait for the broker: {@link health} says whether it is there. */
  listen(callback: (error?: unknown) => void): void {
    try {
      this.addPatternHandlers();
      for (const inlet of this.inletsNeeded()) this.begin(inlet);
      callback();
    } catch (error) {
      callback(error);
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    await Promise.all([...this.inlets.keys()].map((name) => this.end(name)));
  }

  on(): never {
    throw new Error('Integration messages have no transport events to listen to; ask health() for the state.');
  }

  unwrap<T>(): T {
    return this.options.transport as T;
  }

  private begin(inlet: Inlet): void {
    const { leases } = this.options;
    const name = inletName(inlet);
    const gained = () => {
      if (!this.closed && !this.inlets.has(name)) this.inlets.set(name, this.open(inlet));
    };
    if (leases) leases.want({ name: `messages ${name}`, gained, lost: () => this.end(name) });
    else gained();
  }

  private async end(name: string): Promise<void> {
    await this.inlets.get(name)?.stop();
    this.inlets.delete(name);
  }

  private open(inlet: Inlet): RunningInlet {
    const { transport, retry, unknownProperties, log = silent } = this.options;
    const handled: ReadonlyMap<string, HandledType> = this.handled;
    const optional = { ...(retry && { retry }), ...(unknownProperties && { unknownProperties }) };
    return transport.consume(inlet, receiver({ inlet, handled, transport, log, ...optional }));
  }

  /** One per context that events come from, and one for commands and replayed dead letters. */
  private inletsNeeded(): Inlet[] {
    const { context } = this.options;
    const contracts = [...this.handled.values()].map(({ contract }) => contract);
    if (contracts.length === 0) return [];
    const sources = new Set(contracts.filter(({ kind }) => kind === 'event').map((contract) => contract.context));
    return [
      ...[...sources].map((source) => ({ kind: 'events', context, source }) as const),
      { kind: 'commands', context },
    ];
  }

  /** @throws UnknownContract, RequestPatternNotSupported, ForeignContract */
  private addPatternHandlers(): void {
    for (const [pattern, method] of this.messageHandlers) {
      if (!method.isEventHandler) throw new RequestPatternNotSupported(pattern);
      const contract = contractOf(pattern);
      if (!contract) throw new UnknownContract(pattern, `@EventPattern in the context '${this.options.context}'`);
      this.handle({ contract }, async (message) => {
        try {
          const result: unknown = await method(message.event.data, new IntegrationContext([message]));
          if (isObservable(result)) await lastValueFrom(result, { defaultValue: undefined });
        } catch (error) {
          throw error instanceof Error ? error : hiddenByNest(pattern, error);
        }
      });
    }
  }
}

/** Nest's default exception filter turns what a method throws into `{ status, message }`. */
function hiddenByNest(pattern: string, thrown: unknown): HandlerFailed {
  const { message } = (thrown ?? {}) as { message?: unknown };
  return new HandlerFailed(pattern, typeof message === 'string' ? message : JSON.stringify(thrown), { cause: thrown });
}
