/** Middleware that only watches. */
import { tracingChannel } from 'node:diagnostics_channel';
import { currentContext, isCodedError, type Log } from '@annals/core';
import { nestLog } from '../nest-log.js';
import type { CommandMiddleware } from './middleware.js';

/** One line a command: its type, id, conversation, outcome (`ok` or the error's code) and duration in ms. Never its data. */
export const logCommands =
  (log: Log = nestLog('Commands')): CommandMiddleware =>
  async (command, next) => {
    const began = performance.now();
    const say = (outcome: string) =>
      log.info(`${command.type} ${outcome}`, {
        id: command.metadata.id,
        correlationId: command.metadata.correlationId ?? currentContext()?.correlationId,
        ms: Math.round((performance.now() - began) * 10) / 10,
      });
    try {
      const result = await next(command);
      say('ok');
      return result;
    } catch (error) {
      say(isCodedError(error) ? error.code : 'failed');
      throw error;
    }
  };

/**
 * Announces each command on Node's tracing channel `annals:command` (`start`, `end`, `asyncStart`, `asyncEnd`, `error`,
 * with `{ command, correlationId }`), to which any tracer can subscribe.
 */
export function traceCommands(): CommandMiddleware {
  const channel = tracingChannel('annals:command');
  return (command, next) =>
    channel.tracePromise(() => next(command), { command, correlationId: currentContext()?.correlationId });
}
