/** A database of its own for each test file, on the Postgres of its Jest worker. */
import { randomBytes } from 'node:crypto';
import { createDatabaseIfMissing, databaseUrl } from '@annals/embedded';
import pg from 'pg';
import { workerPart } from './worker-part.js';

export interface TestPostgres {
  /** `postgres://…/<database>` */
  readonly url: string;
}

const prefix = 'test_';
const databaseInUse = '55006';

/** Each test file has modules of its own: what this one made are the databases of this file. */
let ofThisFile: Promise<string> | undefined;

/**
 * A new, empty database; call it at the top of a test file or in `beforeAll`, more than once for more than one.
 * It is dropped when the next file of the worker asks for one, and at the end of the run at the latest, so that it
 * needs no clean-up in the test.
 */
export async function testPostgres(): Promise<TestPostgres> {
  ofThisFile ??= workerPart('postgres').then(dropDatabasesOfEarlierFiles);
  return { url: await createDatabaseIfMissing(await ofThisFile, prefix + randomBytes(6).toString('hex')) };
}

const idleTestDatabases = `
  SELECT datname FROM pg_database WHERE starts_with(datname, $1)
  EXCEPT SELECT datname FROM pg_stat_activity`;

/**
 * A worker runs one file at a time, so every test database that is there when a file first asks is an earlier file's.
 * Where one left a connection open, the database stays until the server ends: to cut the connection would make this file
 * fail for that one's leak, and to wait for it would take 5 s.
 */
async function dropDatabasesOfEarlierFiles(serverUrl: string): Promise<string> {
  const client = new pg.Client({ connectionString: databaseUrl(serverUrl, 'postgres') });
  await client.connect();
  try {
    const { rows } = await client.query<{ datname: string }>(idleTestDatabases, [prefix]);
    for (const { datname } of rows) {
      await client.query(`DROP DATABASE ${client.escapeIdentifier(datname)}`).catch((error: { code?: string }) => {
        if (error.code !== databaseInUse) throw error;
      });
    }
  } finally {
    await client.end();
  }
  return serverUrl;
}
