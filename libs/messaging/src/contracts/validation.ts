/** Checks a contract's data by the class-validator decorators of its class, nested objects included. */
import 'reflect-metadata';
import { instanceToPlain, plainToInstance } from 'class-transformer';
import { validateSync, type ValidationError } from 'class-validator';
import { InvalidContractData } from '../errors.js';

export type DataClass<Data extends object = object> = new () => Data;

/** What happens to properties that the contract does not know: the message is refused, or they are left out. */
export type UnknownProperties = 'refuse' | 'drop';

/**
 * @returns the data as plain JSON: as it came, or without its unknown properties when they are dropped
 * @throws InvalidContractData listing everything that is wrong
 */
export function validateData<Data extends object>(
  contract: { readonly type: string; readonly dataClass: DataClass<Data> },
  data: unknown,
  unknownProperties: UnknownProperties = 'refuse',
): Data {
  if (typeof data !== 'object' || data === null || Array.isArray(data))
    throw new InvalidContractData(contract.type, ['data: must be an object']);
  const instance = plainToInstance(contract.dataClass, data);
  const problems = validateSync(instance, {
    whitelist: true,
    forbidNonWhitelisted: unknownProperties === 'refuse',
    forbidUnknownValues: true,
    validationError: { target: false, value: false },
  });
  if (problems.length > 0)
    throw new InvalidContractData(
      contract.type,
      problems.flatMap((problem) => describe(problem)),
    );
  return unknownProperties === 'refuse' ? (data as Data) : (instanceToPlain(instance) as Data);
}

function describe({ property, constraints = {}, children = [] }: ValidationError, parent = 'data'): string[] {
  const path = /^\d+$/.test(property) ? `${parent}[${property}]` : `${parent}.${property}`;
  return [
    ...Object.values(constraints).map((message) => `${path}: ${message}`),
    ...children.flatMap((child) => describe(child, path)),
  ];
}
