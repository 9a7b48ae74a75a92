import { currentContext, type DomainCommand } from '@annals/core';
import { CommandForbidden } from '../errors.js';
import type { CommandMiddleware } from './middleware.js';

/** Whether this actor (undefined: nobody is known) may issue this command. */
export type MayIssue = (command: DomainCommand, actor: string | undefined) => boolean | Promise<boolean>;

/** Lets pass what `mayIssue` allows; the rest is rejected with CommandForbidden (403). */
export const authorise =
  (mayIssue: MayIssue): CommandMiddleware =>
  async (command, next) => {
    const actor = command.metadata.actor ?? currentContext()?.actor;
    if (!(await mayIssue(command, actor))) throw new CommandForbidden(command.type, actor);
    return next(command);
  };
