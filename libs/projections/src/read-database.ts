/** A context's database: a TypeORM DataSource for queries, and a pool for the engine's own reading and writing. */
import pg from 'pg';
import { DataSource } from 'typeorm';
import { ReadDatabaseUnavailable } from './errors.js';
import { hasSqlState, quoted } from './postgres-errors.js';
import type { AnyReadModel } from './read-model.js';

export interface ReadDatabaseOptions {
  /** `postgres://user:password@host:port[/database]`; without a database, the one named after the context is used. */
  readonly url: string;
  /** The bounded context's name. */
  readonly context: string;
  /** Whose entities the queries are about. */
  readonly readModels: readonly AnyReadModel[];
  /** How many connections queries may use; default 10. */
  readonly queryConnections?: number;
}

export interface ReadDatabase {
  readonly url: string;
  readonly name: string;
  /** For queries. Tables are found by the entities' names, in the shape that this code's versions have. */
  readonly queries: DataSource;
  /** For the engine. Commits without waiting for the disk: what a crash of Postgres loses, checkpoint and rows together, is folded again. */
  readonly pool: pg.Pool;
  close(): Promise<void>;
}

/** The schema with the view that queries of this version of the code see. */
export const viewSchema = ({ name, version }: Pick<AnyReadModel, 'name' | 'version'>): string => `${name}_v${version}`;

/**
 * Opens the database, and creates it first when it is missing.
 * @throws ReadDatabaseUnavailable
 */
export async function connectReadDatabase(options: ReadDatabaseOptions): Promise<ReadDatabase> {
  const { url, name } = databaseUrl(options.url, options.context);
  const pool = new pg.Pool({
    connectionString: url,
    max: 8,
    application_name: `annals ${options.context}`,
    options: '-c synchronous_commit=off',
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
  });
  // Idle connections that break are replaced when next needed, and whoever needs one then hears of it.
  pool.on('error', () => undefined);
  const searchPath = [...options.readModels.map(viewSchema), 'public'].map(quoted).join(',');
  const queries = new DataSource({
    type: 'postgres',
    url,
    entities: [...new Set(options.readModels.map(({ entity }) => entity))],
    applicationName: `annals ${options.context} queries`,
    installExtensions: false,
    logging: false,
    poolSize: options.queryConnections ?? 10,
    poolErrorHandler: () => undefined,
    extra: { options: `-c search_path=${searchPath.replaceAll(' ', '\\ ')}`, keepAlive: true },
  });
  try {
    await createWhenMissing(pool, url, name);
    await queries.initialize();
  } catch (cause) {
    await pool.end();
    throw new ReadDatabaseUnavailable(name, { cause });
  }
  let closing: Promise<void> | undefined;
  const close = async () => {
    await Promise.all([queries.destroy(), pool.end()]);
  };
  return { url, name, queries, pool, close: () => (closing ??= close()) };
}

function databaseUrl(given: string, context: string): { url: string; name: string } {
  const url = new URL(given);
  if (url.pathname === '' || url.pathname === '/') url.pathname = `/${encodeURIComponent(context)}`;
  return { url: url.href, name: decodeURIComponent(url.pathname.slice(1)) };
}

const noSuchDatabase = '3D000';
const databaseExists = '42P04';
/** Two sessions created it at the same moment. */
const uniqueViolation = '23505';

async function createWhenMissing(pool: pg.Pool, url: string, name: string): Promise<void> {
  try {
    await pool.query('select 1');
  } catch (error) {
    if (!hasSqlState(error, noSuchDatabase)) throw error;
    const maintenance = new URL(url);
    maintenance.pathname = '/postgres';
    const client = new pg.Client({ connectionString: maintenance.href, connectionTimeoutMillis: 5_000 });
    await client.connect();
    try {
      await client.query(`create database ${quoted(name)}`);
    } catch (failure) {
      if (!hasSqlState(failure, databaseExists) && !hasSqlState(failure, uniqueViolation)) throw failure;
    } finally {
      await client.end();
    }
    await pool.query('select 1');
  }
}
