/** `annals server`: the embedded event store on its own. */
import { join } from 'node:path';
import { InvalidArgumentError, type Command } from 'commander';
import { WrongUse } from '../errors.js';
import { printLine, type Invocation } from '../invocation.js';
import { inForeground } from '../processes/foreground.js';
import { readPort, runtimeDir } from '../workspace.js';

interface ServerOptions {
  readonly port?: number;
  readonly host?: string;
  readonly db?: string;
  readonly memory?: boolean;
  readonly maxAppendSize?: number;
  readonly json?: boolean;
}

const defaultPort = 2113;

export function addServer(program: Command, invocation: Invocation): void {
  const server = program.command('server').description('the embedded event store');
  server
    .command('start')
    .description('run the event store in the foreground until Ctrl-C; prints its URL on stdout when it serves')
    .option(
      '--port <port>',
      'port to listen on, 0: any free one (default: EVENTSTORE_PORT, else 2113)',
      wholeNumber(65_535),
    )
    .option('--host <address>', 'address to listen on (default: 127.0.0.1)')
    .option('--db <dir>', 'folder of the data (default: that of `annals start`)')
    .option('--memory', 'keep everything in memory')
    .option(
      '--max-append-size <bytes>',
      'bytes of data that one append may hold (default: 1 MiB)',
      wholeNumber(2 ** 31),
    )
    .option('--json', 'print url and port as JSON')
    .action((options: ServerOptions) => startServer(options, invocation));
}

async function startServer(options: ServerOptions, invocation: Invocation): Promise<void> {
  const { host, db, memory = false, maxAppendSize, json = false } = options;
  if (memory && db !== undefined) throw new WrongUse('--db and --memory contradict each other: give one of them.');
  const port = options.port ?? readPort(invocation.env, 'EVENTSTORE_PORT', defaultPort);
  const where = memory ? { memory } : { path: db ?? join(runtimeDir(invocation), 'data', 'event-store') };
  const { startEventStore } = await import('@annals/server');

  let close = (): Promise<void> => Promise.resolve();
  await inForeground({
    run: async () => {
      const server = await startEventStore({
        ...where,
        port,
        ...(host !== undefined && { host }),
        ...(maxAppendSize !== undefined && { maxAppendSize }),
      });
      close = () => server.close();
      printLine(invocation.stdout, json ? JSON.stringify({ url: server.url, port: server.port }) : server.url);
      printLine(
        invocation.stderr,
        `Events are kept ${memory ? 'in memory' : `in ${where.path}`}. Ctrl-C stops the server.`,
      );
      return 'stay';
    },
    cleanUp: () => close(),
  });
}

const wholeNumber =
  (maximum: number) =>
  (text: string): number => {
    if (!/^\d+$/.test(text) || Number(text) > maximum)
      throw new InvalidArgumentError(`It must be a whole number from 0 to ${maximum}.`);
    return Number(text);
  };
