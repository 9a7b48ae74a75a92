/** The stable name of a contract, `<context>.<name>.v<version>`: says who owns it, what it is, and which shape it has. */
import { InvalidContractType } from '../errors.js';

export interface ContractType {
  /** The bounded context that owns the contract: it publishes the event, or it carries out the command. */
  readonly context: string;
  readonly name: string;
  readonly version: number;
}

const word = '[a-z][a-z0-9]*(?:-[a-z0-9]+)*';
const pattern = new RegExp(`^(${word})\\.(${word})\\.v([1-9]\\d*)$`);
const contextPattern = new RegExp(`^${word}$`);

/** Whether `name` can be the name of a bounded context in contract types, NATS subjects and stream names. */
export const isContextName = (name: string): boolean => contextPattern.test(name);

/** @throws InvalidContractType */
export function parseContractType(type: string): ContractType {
  const [, context, name, version] = pattern.exec(type) ?? [];
  if (context === undefined || name === undefined || version === undefined) throw new InvalidContractType(type);
  return { context, name, version: Number(version) };
}
