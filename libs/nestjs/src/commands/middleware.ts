/**
 * What happens around each command of a context, in the order of the map's `middleware`: the first is the outermost.
 * It concerns commands made with `Command('…')`, whoever handles them; @nestjs/cqrs itself has no such thing.
 */
import type { DomainCommand } from '@annals/core';
import type { Type } from '@nestjs/common';

/** Calls `next` with the command, or another one, to go on; or throws, or answers itself, and nothing is carried out. */
export type CommandMiddleware = (
  command: DomainCommand,
  next: (command: DomainCommand) => Promise<unknown>,
) => Promise<unknown>;

/** A middleware that needs others: an injectable class, which must be among the module's providers. */
export interface CommandMiddlewareProvider {
  handle: CommandMiddleware;
}

export type MiddlewareEntry = CommandMiddleware | Type<CommandMiddlewareProvider>;

const isClass = (entry: MiddlewareEntry): entry is Type<CommandMiddlewareProvider> =>
  typeof (entry.prototype as Partial<CommandMiddlewareProvider> | undefined)?.handle === 'function';

/** All of them as one. @param resolve finds the instance of a class; asked at each command, so that it may be made late */
export const composed = (
  entries: readonly MiddlewareEntry[],
  resolve: (type: Type<CommandMiddlewareProvider>) => CommandMiddlewareProvider,
): CommandMiddleware =>
  entries.reduceRight<CommandMiddleware>(
    (inner, entry) => (command, next) => {
      const goOn = (given: DomainCommand) => inner(given, next);
      return isClass(entry) ? resolve(entry).handle(command, goOn) : entry(command, goOn);
    },
    (command, next) => next(command),
  );
