/** Puts a server together: storage, services, listener. */
import { InvalidArgument, ServerStopping } from './errors.js';
import { clusterServices } from './protocol/cluster-services.js';
import { OPEN_ACCESS } from './protocol/access.js';
import { PersistentGroups } from './persistent-subscriptions/groups.js';
import { persistentService } from './protocol/persistent-service.js';
import { listen } from './protocol/listener.js';
import { streamsService } from './protocol/streams-service.js';
import { EventDatabase } from './storage/event-database.js';
import { openDiskDatabase, type DiskDatabase } from './storage/disk-storage.js';
import { memoryStorage } from './storage/memory-storage.js';
import { StreamWriter } from './streams/append.js';

const DEFAULT_MAX_APPEND_SIZE = 1024 * 1024;

export interface EventStoreOptions {
  /** 0, the default, takes any free port. */
  readonly port?: number;
  /** Default: 127.0.0.1. */
  readonly host?: string;
  /** The data folder. Give either this or `memory`. */
  readonly path?: string;
  /** Keep everything in memory: for tests. */
  readonly memory?: boolean;
  /** Bytes of data that one append may hold; default 1 MiB. */
  readonly maxAppendSize?: number;
}

export interface RunningEventStore {
  /** For `EventStoreDBClient.connectionString`. */
  readonly url: string;
  readonly port: number;
  /** In-flight appends finish, subscribers are told, the data is flushed. Takes less than 2 seconds. */
  close(): Promise<void>;
}

export async function startEventStore(options: EventStoreOptions): Promise<RunningEventStore> {
  const host = options.host ?? '127.0.0.1';
  const storage = await openStorage(options);
  const { database } = storage;
  const writer = new StreamWriter(database, options.maxAppendSize ?? DEFAULT_MAX_APPEND_SIZE);
  const groups = new PersistentGroups(database, writer);
  groups.start();
  const listener = await listen({
    host,
    port: options.port ?? 0,
    tls: undefined,
    http: (_, response) => {
      response.statusCode = 404;
      response.end();
    },
    handlers: (port) => ({
      ...clusterServices(host, port),
      ...streamsService(database, writer, OPEN_ACCESS),
      ...persistentService(groups, OPEN_ACCESS),
    }),
  });
  return {
    url: `esdb://${host}:${listener.port}?tls=false`,
    port: listener.port,
    close: async () => {
      await groups.close(new ServerStopping());
      await listener.close(1000);
      await storage.close();
    },
  };
}

async function openStorage({ path, memory }: EventStoreOptions): Promise<DiskDatabase> {
  if ((path === undefined) === (memory !== true))
    throw new InvalidArgument('Give the event store either a path to store in, or memory: true.');
  if (path !== undefined) return openDiskDatabase(path);
  return { database: new EventDatabase({ ...memoryStorage(), description: 'memory' }), close: () => Promise.resolve() };
}
