import { createDatabaseIfMissing, databaseUrl, dropDatabase } from '@annals/embedded';
import { describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { testPostgres } from './test-postgres.js';
import { workerPart } from './worker-part.js';

/** One test: what counts is the first call in a file. */
describe('the first testPostgres of a file', () => {
  it('drops what earlier files left, except where they also left a connection', async () => {
    const server = await workerPart('postgres');
    const [left, inUse] = ['test_left', 'test_in_use'];
    await createDatabaseIfMissing(server, left);
    const connection = new pg.Client({ connectionString: await createDatabaseIfMissing(server, inUse) });
    await connection.connect();
    const { url: first } = await testPostgres();
    await testPostgres();

    const { rows } = await connection.query<{ datname: string }>('SELECT datname FROM pg_database');
    const databases = rows.map(({ datname }) => databaseUrl(server, datname));
    expect(databases).not.toContain(databaseUrl(server, left));
    expect(databases).toEqual(expect.arrayContaining([databaseUrl(server, inUse), first]));
    await connection.end();
    await dropDatabase(server, inUse);
  });
});
