// The servers under test and what is known of their processes. Both kinds keep their data on the disk and flush it before they
// acknowledge: a temporary folder of the embedded Postgres may lie in memory, where a flush costs nothing.
import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { createDatabaseIfMissing, startEventStoreProcess, startPostgres } from '@annals/embedded';
import { getPostgreSQLEventStore } from '@event-driven-io/emmett-postgresql';
import { EventStoreDBClient } from '@eventstore/db-client';

/** All data of one run, removed at its end. */
export const dataRoot = () => resolve('.runtime', `bench-server-${randomUUID()}`);

/** An event store in a process of its own, and a client of it. */
export async function eventStore(dataDir) {
  const process = await startEventStoreProcess({ port: 0, dataDir });
  const client = EventStoreDBClient.connectionString(process.url);
  return {
    url: process.url,
    client,
    stop: async () => {
      await client.dispose();
      await process.stop();
    },
    /** @returns microseconds of processor time used until now, and resident bytes */
    figures: async () => {
      const response = await fetch(`http://127.0.0.1:${process.port}/stats`);
      const stats = await response.json();
      return {
        cpu: stats['proc-cpuUserMicroseconds'] + stats['proc-cpuSystemMicroseconds'],
        rss: stats['proc-mem'],
      };
    },
  };
}

/** Emmett's event store on the embedded Postgres. */
export async function emmettOnPostgres(dataDir) {
  const postgres = await startPostgres({ port: 0, dataDir });
  const store = getPostgreSQLEventStore(await createDatabaseIfMissing(postgres.url, 'emmett'));
  await store.schema.migrate();
  return {
    store,
    stop: async () => {
      await store.close();
      await postgres.stop();
    },
  };
}

/** Starts a part when it is first asked for, so that `--only` does not pay for what it leaves out. */
export function whenNeeded(start) {
  let started;
  return {
    get: () => (started ??= start()),
    stop: async () => {
      const part = await started;
      await part?.stop();
    },
  };
}

export const remove = (folder) => rmSync(folder, { recursive: true, force: true });
