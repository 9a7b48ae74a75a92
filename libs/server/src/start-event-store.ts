/** Puts a server together: storage, services, listener. */
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { AddressRefused, InvalidArgument, ServerStopping } from './errors.js';
import { httpHandler } from './http/http-handler.js';
import { Scavenger, type ScavengeReport } from './operations/scavenge.js';
import { StatisticsSource } from './operations/statistics.js';
import { PersistentGroups } from './persistent-subscriptions/groups.js';
import { OPEN_ACCESS, type Access } from './protocol/access.js';
import { BasicAccess } from './protocol/basic-access.js';
import { clusterServices } from './protocol/cluster-services.js';
import { listen, type Listener, type TlsFiles } from './protocol/listener.js';
import { operationsServices } from './protocol/operations-services.js';
import { persistentService } from './protocol/persistent-service.js';
import { streamsService } from './protocol/streams-service.js';
import { openDiskDatabase, type DiskDatabase } from './storage/disk-storage.js';
import { EventDatabase } from './storage/event-database.js';
import { memoryStorage } from './storage/memory-storage.js';
import { StreamWriter } from './streams/append.js';

const DEFAULT_MAX_APPEND_SIZE = 1024 * 1024;
/** The largest append that a record's lengths and a chunk can hold without strain. */
const LARGEST_MAX_APPEND_SIZE = 64 * 1024 * 1024;
/** Calls that are still open after this time are cut off when the server stops. */
const DRAIN_MS = 1000;

export interface EventStoreOptions {
  /** 0, the default, takes any free port. */
  readonly port?: number;
  /** Default: 127.0.0.1. Anything but loopback needs `tls` and `adminPassword`. */
  readonly host?: string;
  /** The data folder. Give either this or `memory`. */
  readonly path?: string;
  /** Keep everything in memory: for tests. */
  readonly memory?: boolean;
  /** Bytes of data that one append may hold; default 1 MiB. */
  readonly maxAppendSize?: number;
  /** PEM files. */
  readonly tls?: { readonly certificateFile: string; readonly privateKeyFile: string };
  /** Switches authentication on: users admin and ops with this password. */
  readonly adminPassword?: string;
  /** Called when a client asks the server to shut down; default: it closes itself. */
  readonly onShutdownRequested?: () => void;
}

export interface RunningEventStore {
  /** For `EventStoreDBClient.connectionString`. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** Gives back the space of events that can no longer be read. */
  scavenge(): Promise<ScavengeReport>;
  /** In-flight appends finish, subscribers are told, the data is flushed. Takes less than 2 seconds. May be called twice. */
  close(): Promise<void>;
}

/**
 * Starts an event store that `@eventstore/db-client` can connect to.
 * @throws AddressRefused when it cannot or must not listen there
 * @throws DataFolderRefused when the data folder is corrupted, foreign, newer or in use
 */
export async function startEventStore(options: EventStoreOptions): Promise<RunningEventStore> {
  const host = options.host ?? '127.0.0.1';
  const port = options.port ?? 0;
  checkOptions(options, host, port);
  const tls = readTls(options);
  const storage = await openStorage(options);
  try {
    return await serve(options, storage, host, port, tls);
  } catch (error) {
    await storage.close();
    throw error;
  }
}

async function serve(
  options: EventStoreOptions,
  storage: DiskDatabase,
  host: string,
  port: number,
  tls: TlsFiles | undefined,
): Promise<RunningEventStore> {
  const { database } = storage;
  const writer = new StreamWriter(database, options.maxAppendSize ?? DEFAULT_MAX_APPEND_SIZE);
  const access: Access =
    options.adminPassword === undefined ? OPEN_ACCESS : new BasicAccess(database, options.adminPassword);
  const groups = new PersistentGroups(database, writer);
  const scavenger = new Scavenger(database);
  let listener: Listener | undefined;
  let closing: Promise<void> | undefined;
  const statistics = new StatisticsSource(database, () => listener?.connections ?? 0);
  const stop = async (): Promise<void> => {
    await scavenger.halt();
    await groups.close(new ServerStopping());
    writer.stop();
    await database.commit.settled();
    // Answers to what was just written leave before the calls are ended.
    await new Promise((resolve) => setImmediate(resolve));
    await listener?.close(DRAIN_MS);
    await storage.close();
  };
  const close = (): Promise<void> => (closing ??= stop());
  const operations = {
    access,
    scavenger,
    statistics,
    restartGroups: () => groups.restart(),
    shutdown: options.onShutdownRequested ?? (() => void close()),
  };
  groups.start();
  try {
    listener = await listen({
      host,
      port,
      tls,
      http: httpHandler({ statistics: () => statistics, isStopping: () => closing !== undefined }),
      handlers: (bound) => ({
        ...clusterServices(reachable(host), bound),
        ...streamsService(database, writer, access),
        ...persistentService(groups, access),
        ...operationsServices(operations),
      }),
    });
  } catch (error) {
    await groups.close();
    throw error;
  }
  return {
    url: `esdb://${urlHost(reachable(host))}:${listener.port}?tls=${tls ? 'true' : 'false'}`,
    host,
    port: listener.port,
    scavenge: () => scavenger.start().finished,
    close,
  };
}

async function openStorage({ path, memory }: EventStoreOptions): Promise<DiskDatabase> {
  if ((path === undefined) === (memory !== true))
    throw new InvalidArgument('Give the event store either a path to store in, or memory: true.');
  if (path !== undefined) return openDiskDatabase(path);
  const database = new EventDatabase({ ...memoryStorage(), description: 'memory' });
  return { database, close: () => database.commit.settled() };
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
/** A server that listens on all addresses is reached, from here, by loopback. */
const reachable = (host: string): string => (host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host);
const urlHost = (host: string): string => (host.includes(':') ? `[${host}]` : host);

function checkOptions({ tls, adminPassword, maxAppendSize }: EventStoreOptions, host: string, port: number): void {
  if (!isLoopback(host) && (!tls || adminPassword === undefined)) {
    const missing = [
      ...(tls ? [] : ['TLS (--certificate-file and --certificate-private-key-file)']),
      ...(adminPassword === undefined ? ['a password (--admin-password)'] : []),
    ];
    throw new AddressRefused(
      host,
      port,
      `The event store listens beyond loopback (${host}) only with TLS and a password. Missing: ${missing.join(' and ')}.`,
    );
  }
  if (adminPassword === '') throw new InvalidArgument('The password for --admin-password is empty.');
  if (maxAppendSize !== undefined && !(maxAppendSize >= 1 && maxAppendSize <= LARGEST_MAX_APPEND_SIZE))
    throw new InvalidArgument(`The maximum append size must be between 1 and ${LARGEST_MAX_APPEND_SIZE} bytes.`);
}

function readTls({ tls }: EventStoreOptions): TlsFiles | undefined {
  if (!tls) return undefined;
  const read = (file: string, what: string): Buffer => {
    try {
      return readFileSync(file);
    } catch (error) {
      throw new InvalidArgument(`The ${what} ${file} cannot be read: ${(error as Error).message}.`, { cause: error });
    }
  };
  return {
    certificate: read(tls.certificateFile, 'certificate file'),
    privateKey: read(tls.privateKeyFile, 'private key file'),
  };
}
