/** What every app's process does, a bounded context's or not: it says why it cannot start, and ends in time. */
import { isCodedError } from '@annals/core';
import { Logger } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { PortTaken } from './errors.js';

/** How long an orderly end may take (G12). */
const endWithinMs = 8_000;

/** Runs `start`; when it fails, says why and ends the process with exit code 1. */
export async function runProcess(start: (logger: Logger) => Promise<void>): Promise<void> {
  const logger = new Logger('App');
  try {
    endInTime(logger);
    await start(logger);
  } catch (error) {
    logger.error(isCodedError(error) ? `${error.code}: ${error.message}` : error);
    process.exit(1);
  }
}

/** @param variable where the port can be changed @throws PortTaken */
export async function listen(app: NestFastifyApplication, port: number, host: string, variable: string): Promise<void> {
  try {
    await app.listen(port, host);
  } catch (error) {
    throw (error as { code?: unknown }).code === 'EADDRINUSE' ? new PortTaken(port, variable) : error;
  }
}

/**
 * An orderly end that cannot be had (a part is gone, and something waits for it) is cut short: all that is acknowledged
 * is on disk, and the next start goes on from the checkpoints.
 */
function endInTime(logger: Logger): void {
  const giveUp = () =>
    setTimeout(() => {
      logger.error(
        `Not everything could be ended within ${endWithinMs} ms; ending anyway. The next start goes on from here.`,
      );
      process.exit(1);
    }, endWithinMs).unref();
  process.once('SIGTERM', giveUp).once('SIGINT', giveUp);
}
