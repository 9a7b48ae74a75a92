/** Databases of a Postgres server, by the server's URL. */
import pg from 'pg';

/** `url` with `name` as its database. */
export function databaseUrl(url: string, name: string): string {
  const withDatabase = new URL(url);
  withDatabase.pathname = `/${encodeURIComponent(name)}`;
  return withDatabase.toString();
}

const duplicateDatabase = '42P04';
/** What two processes that create one database at the same moment may see instead. */
const uniqueViolation = '23505';

/** Creates the database `name` unless it is there. @returns its URL */
export async function createDatabaseIfMissing(url: string, name: string): Promise<string> {
  try {
    await onServer(url, (client) => client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`));
  } catch (error) {
    if (!isDatabaseError(error) || ![duplicateDatabase, uniqueViolation].includes(error.code ?? '')) throw error;
  }
  return databaseUrl(url, name);
}

/** Drops the database `name` if it is there, ending its connections. */
export async function dropDatabase(url: string, name: string): Promise<void> {
  await onServer(url, (client) =>
    client.query(`DROP DATABASE IF EXISTS ${client.escapeIdentifier(name)} WITH (FORCE)`),
  );
}

const isDatabaseError = (error: unknown): error is pg.DatabaseError =>
  error instanceof Error && 'code' in error && 'severity' in error;

async function onServer(url: string, run: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl(url, 'postgres') });
  await client.connect();
  try {
    await run(client);
  } finally {
    await client.end();
  }
}
