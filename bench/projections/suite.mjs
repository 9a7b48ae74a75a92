// Read models: rebuilds against reading alone and against Emmett, many at once, size, and latency while live.
import { join } from 'node:path';
import { createDatabaseIfMissing, startPostgres } from '@annals/embedded';
import { getPostgreSQLEventStore } from '@event-driven-io/emmett-postgresql';
import pg from 'pg';
import { dataRoot, eventStore, remove, whenNeeded } from '../server/parts.mjs';
import { live } from './live.mjs';
import { many } from './many.mjs';
import { ordersStore } from './parts.mjs';
import { rebuilds } from './rebuild.mjs';
import { size } from './size.mjs';

export async function open({ full }) {
  const root = dataRoot();
  const store = (name, events, order) => whenNeeded(() => ordersStore(join(root, name), events, order));
  const stores = {
    together: store('together', 100_000, 'together'),
    interleaved: store('interleaved', 100_000, 'interleaved'),
    large: store('large', 1_000_000, 'together'),
  };
  const empty = whenNeeded(() => eventStore(join(root, 'empty')));
  const postgres = whenNeeded(() => startPostgres({ port: 0, dataDir: join(root, 'postgres') }));
  const emmett = whenNeeded(async () => emmettOn((await postgres.get()).url));
  const suites = [
    rebuilds(stores, postgres, emmett, whenNeeded),
    many(stores, postgres, whenNeeded),
    live(empty, postgres, whenNeeded),
  ];
  return {
    comparisons: [...suites.flatMap(({ rows }) => rows), ...size(stores, postgres, { full })],
    async close() {
      await Promise.all(suites.map((each) => each.stop()));
      await emmett.stop();
      await Promise.all([...Object.values(stores), empty, postgres].map((part) => part.stop()));
      remove(root);
    },
  };
}

async function emmettOn(postgresUrl) {
  let url, store, pool;
  const stop = async () => {
    await Promise.all([store?.close(), pool?.end()]);
  };
  return {
    /** An empty store, in a database of its own. */
    async reset() {
      await stop();
      url = await createDatabaseIfMissing(postgresUrl, `emmett_${Date.now()}`);
      store = getPostgreSQLEventStore(url);
      await store.schema.migrate();
      pool = new pg.Pool({ connectionString: url });
    },
    get url() {
      return url;
    },
    store: { appendToStream: (...args) => store.appendToStream(...args) },
    forgetCheckpoint: () => pool.query('delete from emt_processors'),
    async documents() {
      const { rows } = await pool.query(
        `select count(*)::int as rows, sum((data->>'changes')::int)::int as changes from orders`,
      );
      return rows[0];
    },
    stop,
  };
}
