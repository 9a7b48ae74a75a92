import type { AnyCommandClass, DomainCommand } from '@annals/core';
import type { Type } from '@nestjs/common';
import { plainToInstance } from 'class-transformer';
import { validate as validateInstance, type ValidationError } from 'class-validator';
import { InvalidCommand } from '../errors.js';
import type { CommandMiddleware } from './middleware.js';

/** Which class, with class-validator's decorators, says how the data of a command must look. */
export interface CommandRule {
  readonly type: string;
  readonly shape: Type<object>;
}

/** `rule(PlaceOrder, PlaceOrderData)`; the compiler checks that the class has the command's properties. */
export const rule = <C extends DomainCommand>(
  { type }: AnyCommandClass<C>,
  shape: Type<C['data'] & object>,
): CommandRule => ({
  type,
  shape,
});

/**
 * Checks the data of commands, wherever they come from; unknown properties are mistakes. Commands without a rule pass.
 * The data itself goes on unchanged. Rejects with InvalidCommand (400).
 */
export function validate(...rules: readonly CommandRule[]): CommandMiddleware {
  const shapes = new Map(rules.map(({ type, shape }) => [type, shape]));
  return async (command, next) => {
    const shape = shapes.get(command.type);
    if (shape) {
      const instance = plainToInstance(shape, command.data);
      const errors = await validateInstance(instance, { whitelist: true, forbidNonWhitelisted: true });
      if (errors.length > 0)
        throw new InvalidCommand(
          command.type,
          errors.flatMap((error) => messages(error)),
        );
    }
    return next(command);
  };
}

const messages = ({ constraints, children, property }: ValidationError, path = ''): string[] => [
  ...Object.values(constraints ?? {}).map((message) => `${path}${message}`),
  ...(children ?? []).flatMap((child) => messages(child, `${path}${property}.`)),
];
