/** `annals server`: the embedded event store on its own. */
import { resolve } from 'node:path';
import type { EventStoreOptions } from '@annals/server';
import { InvalidArgumentError, type Command } from 'commander';
import { WrongUse } from '../errors.js';
import { printLine, type Invocation } from '../invocation.js';
import { eventStoreDir } from '../parts/parts.js';
import { inForeground } from '../processes/foreground.js';
import { readPort } from '../workspace.js';
import { addServerData } from './server-data.js';

interface ServerOptions {
  readonly port?: number;
  readonly host?: string;
  readonly db?: string;
  readonly memory?: boolean;
  readonly maxAppendSize?: number;
  readonly certificateFile?: string;
  readonly certificatePrivateKeyFile?: string;
  readonly adminPassword?: string;
  readonly json?: boolean;
}

const defaultPort = 2113;

export function addServer(program: Command, invocation: Invocation): void {
  const server = program.command('server').description('the embedded event store');
  server
    .command('start')
    .description('run the event store in the foreground until Ctrl-C; prints its URL on stdout when it serves')
    .option('--port <port>', 'port to listen on, 0: any free one (default: EVENTSTORE_PORT, else 2113)', upTo(65_535))
    .option('--host <address>', 'address to listen on (default: 127.0.0.1); others need a certificate and a password')
    .option('--db <dir>', 'folder of the data (default: that of `annals start`)')
    .option('--memory', 'keep everything in memory')
    .option('--max-append-size <bytes>', 'bytes of data that one append may hold (default: 1 MiB)', upTo(2 ** 31))
    .option('--certificate-file <file>', 'serve TLS with this certificate (PEM)')
    .option('--certificate-private-key-file <file>', 'its private key (PEM)')
    .option('--admin-password <text>', 'password of the users admin and ops (better: EVENTSTORE_ADMIN_PASSWORD)')
    .option('--json', 'print url and port as JSON')
    .action((options: ServerOptions) => startServer(options, invocation));
  addServerData(server, invocation);
}

async function startServer(options: ServerOptions, invocation: Invocation): Promise<void> {
  const started = serverOptions(options, invocation);
  const { startEventStore } = await import('@annals/server');
  let close = (): Promise<void> => Promise.resolve();
  await inForeground({
    run: async () => {
      let shutDown: () => void = () => undefined;
      // By a client with the right to do so.
      const shutdownRequested = new Promise<void>((done) => (shutDown = done));
      const server = await startEventStore({ ...started, onShutdownRequested: shutDown });
      close = () => server.close();
      const { url, port } = server;
      printLine(invocation.stdout, options.json ? JSON.stringify({ url, port }) : url);
      const where = started.path === undefined ? 'in memory' : `in ${started.path}`;
      printLine(invocation.stderr, `Events are kept ${where}. Ctrl-C stops the server.`);
      return { until: shutdownRequested };
    },
    cleanUp: () => close(),
  });
}

function serverOptions(options: ServerOptions, invocation: Invocation): EventStoreOptions {
  const { env, cwd } = invocation;
  const { host, db, memory = false, maxAppendSize, certificateFile, certificatePrivateKeyFile } = options;
  if (memory && db !== undefined) throw new WrongUse('--db and --memory contradict each other: give one of them.');
  if ((certificateFile === undefined) !== (certificatePrivateKeyFile === undefined))
    throw new WrongUse('--certificate-file and --certificate-private-key-file belong together: give both.');
  const adminPassword = options.adminPassword ?? env['EVENTSTORE_ADMIN_PASSWORD'];
  return {
    port: options.port ?? readPort(env, 'EVENTSTORE_PORT', defaultPort),
    ...(memory ? { memory } : { path: db === undefined ? eventStoreDir(invocation) : resolve(cwd, db) }),
    ...(host !== undefined && { host }),
    ...(maxAppendSize !== undefined && { maxAppendSize }),
    ...(certificateFile !== undefined &&
      certificatePrivateKeyFile !== undefined && {
        tls: { certificateFile, privateKeyFile: certificatePrivateKeyFile },
      }),
    ...(adminPassword && { adminPassword }),
  };
}

const upTo =
  (maximum: number) =>
  (text: string): number => {
    if (!/^\d+$/.test(text) || Number(text) > maximum)
      throw new InvalidArgumentError(`It must be a whole number from 0 to ${maximum}.`);
    return Number(text);
  };
