/**
 * Contracts: the messages that a bounded context promises to others. A contract is a class with a stable type, a shape
 * checked by class-validator, a key, and an example.
 *
 *     class StockReservedData { @IsString() orderId!: string }
 *     export class StockReserved extends IntegrationEvent('inventory.stock-reserved.v1', StockReservedData, {
 *       subject: ({ orderId }) => orderId,
 *       example: { orderId: '7f1c' },
 *     }) {}
 *
 * Its instances are plain `{ type, data }` and `instanceof` compares the type, as with core's `Event` and `Command`.
 */
import { Command, Event, type CommandMetadata, type DomainCommand, type DomainEvent } from '@annals/core';
import { DuplicateContract } from '../errors.js';
import { parseContractType } from './contract-type.js';
import { validateData, type DataClass } from './validation.js';

export interface ContractOptions<Data> {
  /** The aggregate that the message is about: messages with the same subject are delivered in order. */
  readonly subject: (data: Data) => string;
  /** A complete, valid message; shown in the documentation and used by tests. */
  readonly example: Data;
  /** What the message says, in one sentence. */
  readonly description?: string;
}

export interface Contract<Data extends object = object> {
  readonly kind: 'event' | 'command';
  readonly type: string;
  readonly context: string;
  readonly name: string;
  readonly version: number;
  readonly dataClass: DataClass<Data>;
  readonly example: Data;
  readonly description: string | undefined;
  subject(data: Data): string;
}

export interface IntegrationEventClass<Type extends string, Data extends object> {
  new (data: Data): DomainEvent<Type, Data>;
  readonly type: Type;
  readonly contract: Contract<Data>;
}

export interface IntegrationCommandClass<Type extends string, Data extends object> {
  new (data: Data, metadata?: CommandMetadata): DomainCommand<Type, Data>;
  readonly type: Type;
  readonly contract: Contract<Data>;
}

/** Any class made with {@link IntegrationEvent} or {@link IntegrationCommand}. */
export interface AnyContractClass<Message extends DomainEvent = DomainEvent> {
  new (data: never, metadata?: CommandMetadata): Message;
  readonly type: Message['type'];
  readonly contract: Contract;
}

/**
 * Every contract this process has loaded, by type. A type's name is unique in the whole system, and plain data that
 * comes back from a stream or a saga knows its contract by nothing but that name.
 */
const declared = new Map<string, Contract>();

/** The contract of a type, when it is loaded. */
export const contractOf = (type: string): Contract | undefined => declared.get(type);

/** All contracts loaded, sorted by type. */
export const declaredContracts = (): Contract[] =>
  [...declared.values()].sort((one, other) => (one.type < other.type ? -1 : 1));

function declare<Data extends object>(
  kind: Contract['kind'],
  type: string,
  dataClass: DataClass<Data>,
  { subject, example, description }: ContractOptions<Data>,
): Contract<Data> {
  const contract = { kind, type, ...parseContractType(type), dataClass, example, description, subject };
  if (declared.has(type)) throw new DuplicateContract(type);
  validateData({ type: `${type} (its example)`, dataClass }, example);
  declared.set(type, contract);
  return contract;
}

/**
 * Declares a fact that a context publishes: `<context>.<past-tense>.v<N>`.
 * @throws InvalidContractType, DuplicateContract, InvalidContractData when the example is not valid
 */
export function IntegrationEvent<const Type extends string, Data extends object>(
  type: Type,
  dataClass: DataClass<Data>,
  options: ContractOptions<Data>,
): IntegrationEventClass<Type, Data> {
  const contract = declare('event', type, dataClass, options);
  return class extends Event(type)<Data> {
    static readonly contract = contract;
  };
}

/**
 * Declares a wish that a context carries out for others: `<context>.<imperative>.v<N>`.
 * @throws InvalidContractType, DuplicateContract, InvalidContractData when the example is not valid
 */
export function IntegrationCommand<const Type extends string, Data extends object>(
  type: Type,
  dataClass: DataClass<Data>,
  options: ContractOptions<Data>,
): IntegrationCommandClass<Type, Data> {
  const contract = declare('command', type, dataClass, options);
  return class extends Command(type)<Data> {
    static readonly contract = contract;
  };
}
