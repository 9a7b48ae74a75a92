import type { Log } from '@annals/core';
import { Logger } from '@nestjs/common';

/** What the framework-free packages report, in Nest's logger; fields stay fields. */
export function nestLog(context: string): Log {
  const logger = new Logger(context);
  const params = (fields?: Readonly<Record<string, unknown>>) =>
    fields && Object.keys(fields).length > 0 ? [fields] : [];
  return {
    info: (message, fields) => logger.log(message, ...params(fields)),
    warn: (message, fields) => logger.warn(message, ...params(fields)),
    error: (message, fields) => logger.error(message, ...params(fields)),
  };
}
