/**
 * Settings as classes: each property says which environment variable it comes from, and class-validator what it may be.
 * docs/configuration.md is made from the same, so that it cannot say anything else.
 */
import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import type { Type } from '@nestjs/common';
import { InvalidSettings } from './errors.js';

export interface VariableDefinition {
  /** For instance `EVENTSTORE_URL`; `<CONTEXT>` stands for the context's name in capitals. */
  readonly name: string;
  /** Where it is looked for when `name` is not set. */
  readonly otherwise?: string;
  readonly about: string;
  /** What stands in the documentation where the default is not a plain value. */
  readonly defaultText?: string;
  readonly as?: 'text' | 'number' | 'list';
}

type Target = abstract new () => object;
const variables = new Map<unknown, Map<string, VariableDefinition>>();

/** The property is read from an environment variable; an empty variable is one that is not set. */
export const FromEnvironment =
  (definition: VariableDefinition): PropertyDecorator =>
  ({ constructor }, property) => {
    const known = variables.get(constructor) ?? new Map<string, VariableDefinition>();
    variables.set(constructor, known.set(String(property), definition));
  };

/** The variables of a class of settings, by property, in the order in which they are declared. */
export const variablesOf = (type: Target): ReadonlyMap<string, VariableDefinition> => variables.get(type) ?? new Map();

/** @returns the settings, and all that is wrong with them */
export function parseEnvironment<Settings extends object>(
  type: Type<Settings>,
  environment: NodeJS.ProcessEnv,
  context = '',
): { readonly settings: Settings; readonly problems: readonly string[] } {
  const given: Record<string, unknown> = {};
  for (const [property, { name, otherwise = '', as = 'text' }] of variablesOf(type)) {
    const text = environment[inContext(name, context)] ?? environment[otherwise];
    if (text) given[property] = parsers[as](text);
  }
  const settings = plainToInstance(type, given);
  const problems = validateSync(settings).flatMap(({ constraints }) => Object.values(constraints ?? {}));
  return { settings, problems };
}

/** @throws InvalidSettings listing all that is wrong */
export function readEnvironment<Settings extends object>(
  type: Type<Settings>,
  environment: NodeJS.ProcessEnv,
  context = '',
): Settings {
  const { settings, problems } = parseEnvironment(type, environment, context);
  if (problems.length > 0) throw new InvalidSettings(problems);
  return settings;
}

const parsers = {
  text: (text: string) => text,
  number: Number,
  list: (text: string) =>
    text
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== ''),
};

const inContext = (name: string, context: string): string =>
  name.replace('<CONTEXT>', context.toUpperCase().replaceAll('-', '_'));
