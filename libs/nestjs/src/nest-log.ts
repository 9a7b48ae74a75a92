import type { Log } from '@annals/core';
import { Logger } from '@nestjs/common';

/** What the framework-free packages report, in Nest's logger. */
export function nestLog(context: string): Log {
  const logger = new Logger(context);
  const text = (message: string, fields?: Readonly<Record<string, unknown>>) =>
    fields && Object.keys(fields).length > 0 ? `${message} ${JSON.stringify(fields, plain)}` : message;
  return {
    info: (message, fields) => logger.log(text(message, fields)),
    warn: (message, fields) => logger.warn(text(message, fields)),
    error: (message, fields) => logger.error(text(message, fields), stackOf(fields?.['error'])),
  };
}

const plain = (_key: string, value: unknown): unknown => {
  if (typeof value === 'bigint') return value.toString();
  return value instanceof Error ? value.message : value;
};

const stackOf = (error: unknown): string | undefined => (error instanceof Error ? error.stack : undefined);
