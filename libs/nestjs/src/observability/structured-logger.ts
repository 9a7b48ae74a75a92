/**
 * The log of a process: one JSON object a line, by pino, for Nest's own lines and for Annals' alike; for people, when it
 * goes to a terminal. Each line names the conversation and the trace that it belongs to. No line holds secrets or personal
 * data (see redaction.ts).
 */
import { currentContext, currentTraceparent, traceIdOf } from '@annals/core';
import type { LoggerService, LogLevel } from '@nestjs/common';
import { pino, type DestinationStream, type Level, type Logger } from 'pino';
import { InvalidSettings } from '../errors.js';
import { redacted, redactedText } from './redaction.js';

const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
type LogSetting = (typeof levels)[number];

/** Nest's own level for what it tells at its start, line by line: of interest to those who ask for `debug`. */
const chatter: ReadonlySet<string> = new Set(['InstanceLoader', 'RouterExplorer', 'RoutesResolver', 'NestFactory']);

export class StructuredLogger implements LoggerService {
  constructor(private readonly logger: Logger) {}

  log(message: unknown, ...details: unknown[]): void {
    this.write('info', message, details);
  }

  warn(message: unknown, ...details: unknown[]): void {
    this.write('warn', message, details);
  }

  error(message: unknown, ...details: unknown[]): void {
    this.write('error', message, details);
  }

  fatal(message: unknown, ...details: unknown[]): void {
    this.write('fatal', message, details);
  }

  debug(message: unknown, ...details: unknown[]): void {
    this.write('debug', message, details);
  }

  verbose(message: unknown, ...details: unknown[]): void {
    this.write('trace', message, details);
  }

  setLogLevels(allowed: LogLevel[]): void {
    const ours = {
      verbose: 'trace',
      debug: 'debug',
      log: 'info',
      warn: 'warn',
      error: 'error',
      fatal: 'fatal',
    } as const;
    const wanted = new Set<string>(allowed.map((level) => ours[level]));
    this.logger.level = levels.find((level) => wanted.has(level)) ?? 'silent';
  }

  /** @param details as Nest gives them: fields, or a stack, and at last the name of who speaks */
  private write(given: Level, message: unknown, details: unknown[]): void {
    const context = typeof details.at(-1) === 'string' ? (details.at(-1) as string) : undefined;
    const level = given === 'info' && context !== undefined && chatter.has(context) ? 'debug' : given;
    if (!this.logger.isLevelEnabled(level)) return;
    const more = context === undefined ? details : details.slice(0, -1);
    const stack = more.find((detail) => typeof detail === 'string' && detail !== '');
    const fields = more.filter((detail) => typeof detail === 'object' && detail !== null);
    const { text, err } = told(message);
    this.logger[level](
      {
        ...(context !== undefined && { context }),
        ...Object.assign({}, ...fields.map((each) => redacted(each) as object)),
        ...(err !== undefined && { err }),
        ...(typeof stack === 'string' && err === undefined && { stack: redactedText(stack) }),
      },
      text,
    );
  }
}

function told(message: unknown): { readonly text: string; readonly err?: unknown } {
  if (message instanceof Error) return { text: redactedText(message.message), err: redacted(message) };
  return { text: typeof message === 'string' ? redactedText(message) : JSON.stringify(redacted(message)) };
}

/** The level of the log (`LOG_LEVEL`, default `info`). @throws InvalidSettings */
export function readLogLevel(environment: NodeJS.ProcessEnv): LogSetting {
  const given = environment['LOG_LEVEL']?.trim().toLowerCase() || 'info';
  const level = levels.find((known) => known === given);
  if (level === undefined) throw new InvalidSettings([`LOG_LEVEL must be one of ${levels.join(', ')}`]);
  return level;
}

/**
 * @param service who speaks @param destination default: stdout, made readable when it is a terminal
 * @throws InvalidSettings
 */
export async function structuredLogger(
  service: string,
  environment: NodeJS.ProcessEnv,
  destination?: DestinationStream,
): Promise<StructuredLogger> {
  const options = {
    level: readLogLevel(environment),
    base: { service, pid: process.pid },
    mixin: conversation,
    // Errors were made plain already, without what must not be in them.
    serializers: { err: (error: unknown) => error },
  };
  return new StructuredLogger(pino(options, destination ?? (await terminal(environment)) ?? pino.destination(1)));
}

function conversation(): { readonly correlationId?: string; readonly traceId?: string } {
  const correlationId = currentContext()?.correlationId;
  const traceId = traceIdOf(currentTraceparent());
  return { ...(correlationId !== undefined && { correlationId }), ...(traceId !== undefined && { traceId }) };
}

const spoken = ({ context, msg }: Record<string, unknown>): string =>
  typeof context === 'string' ? `[${context}] ${String(msg)}` : String(msg);

/** What makes lines readable, where somebody reads them; it is there in development. */
async function terminal(environment: NodeJS.ProcessEnv): Promise<DestinationStream | undefined> {
  if (!process.stdout.isTTY) return undefined;
  try {
    const { default: pretty } = await import('pino-pretty');
    const colorize = !environment['NO_COLOR'];
    return pretty({ sync: true, colorize, ignore: 'pid,service,context', messageFormat: spoken });
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ERR_MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}
